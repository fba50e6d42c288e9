#!/bin/sh
# Fuzzes the parser with the server's machine, and then, for half as long, the record decryptor against libssl:
# run.sh [SECONDS]. The parser's seeds come from docs/protocol.md's vectors; a finding is a file crash-* beside this script,
# and the target's program with that file shows it again.
set -eu
cd "$(dirname "$0")"
seconds=${1:-60}
scratch=../../.build/fuzz # the formatter looks at everything below Tests
swift build --scratch-path "$scratch"
export SWIFT_BACKTRACE=enable=no
fuzz() {
  target=$1 time=$2 corpus=$3
  shift 3
  "$scratch/debug/$target" -max_total_time="$time" -timeout=5 -rss_limit_mb=2048 -print_final_stats=1 "$@" "$corpus"
}

corpus=$scratch/corpus
mkdir -p "$corpus"
# Four decisions (0x04 and four bytes) and then the block.
awk -v dir="$corpus" '
  /^```packet / { if ($2 != "escaped") { file = dir "/seed-" ++n; printf "%c%s", 4, "abcd" > file }; next }
  /^```$/ { if (file) close(file); file = ""; next }
  file { print >> file }
' ../../docs/protocol.md
fuzz FuzzServerExchange "$seconds" "$corpus" -max_len=20000

corpus=$scratch/corpus-records
mkdir -p "$corpus"
SLUICE_FUZZ_CERTIFICATES=$scratch/certificates
export SLUICE_FUZZ_CERTIFICATES
[ -f "$SLUICE_FUZZ_CERTIFICATES/server.pem" ] || ../../certs/make "$SLUICE_FUZZ_CERTIFICATES" >/dev/null
# Suite, two numbers for the splits, then steps: data, a key update and data, an alert, a message in two records, a turned
# bit, and so many full records that the vector cipher takes over.
printf '\000\000\001\000\002\000\003abc' >"$corpus/seed-data"
printf '\001\000\001\000\002\000\003abc\001\003\001\000\003abc\001\003\000\000\001x\001' >"$corpus/seed-update"
printf '\002\000\001\000\002\000\003abc\001\002\002\001\000' >"$corpus/seed-close"
printf '\000\000\001\000\002\004\001\001\001\002' >"$corpus/seed-message"
printf '\000\000\001\000\002\006\003abc\000\060' >"$corpus/seed-turned"
printf '\001\000\001\000\002\011\017\000\003abc\001\003\001\011\003' >"$corpus/seed-many"
fuzz FuzzRecordDecryptor "$((seconds / 2))" "$corpus" -max_len=400
