#!/bin/sh
# Builds the load client, the sink, the long line and the mark: build.sh FOLDER
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
mkdir -p "$1"
build() { # build NAME SOURCES-AND-OPTIONS...
  name=$1
  shift
  (cd "$here" && gcc -O2 -Wall -Wextra -Werror -o "$target/$name" "$@")
}
target=$(CDPATH='' cd -- "$1" && pwd)
build client client.c connection.c http2.c transport.c payload.c -lssl -lcrypto
build sink sink.c
build line line.c
if [ -e /usr/include/isa-l/igzip_lib.h ]; then
  build mark -DHAS_ISAL mark.c mark_relay.c mark_store.c mark_compress.c records.c -lssl -lcrypto -lz -lisal
else
  build mark mark.c mark_relay.c mark_store.c mark_compress.c records.c -lssl -lcrypto -lz
fi
