#!/bin/sh
# Uploads a file over x-stream with nothing but a shell and openssl.
#
# usage: send.sh FILE HOST:PORT ROUTE [S_CLIENT-OPTION...]
#   for example: send.sh big.iso localhost:8443 /upload-file -CAfile certs/dev/ca.pem
#
# Prints the server's last packet. Exit status: the packet's status; 64 wrong usage, 75 no answer.

[ $# -ge 3 ] && [ -r "$1" ] || { sed -n '2,7s/^# \{0,1\}//p' "$0" >&2; exit 64; }
file=$1 server=$2 route=$3; shift 3
trap '' PIPE
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT && mkfifo "$work/up" "$work/down" || exit 75
# -quiet also turns s_client's commands off: bytes that begin with "Q" would end the connection.
openssl s_client -quiet -verify_return_error -verify_hostname "${server%:*}" -alpn x-stream/1 \
  -connect "$server" "$@" <"$work/up" >"$work/down" 2>"$work/log" &
tls=$!
exec 3>"$work/up" 4<"$work/down"
# A server of another kind may wait for ever, as s_client does; an offer takes no minute.
sh -c 'i=0; while [ $i -lt 60 ] && kill -0 "$1"; do sleep 1; i=$((i + 1)); done; [ $i -lt 60 ] || kill -KILL "$1"' \
  sh "$tls" >/dev/null 2>&1 3>&- 4<&- &
watch=$!

packet() { # reads a packet's head
  head=
  while IFS= read -r line; do
    head="$head$line
"
    case $line in payload:*) return 0 ;; esac
  done <&4
  cat "$work/log" >&2
  echo "$server did not answer as an x-stream server does" >&2
  kill -KILL "$watch" "$tls" 2>/dev/null
  exit 75
}
value() { printf %s "$head" | sed -n "s/^ *$1: *//p"; }

printf 'headers:\n    route: %s\n    data-format: bytes\n    x-stream: %d:65536\npayload: -\n' \
  "$route" "$(wc -c <"$file")" >&3 2>/dev/null
packet
kill -KILL "$watch" 2>/dev/null # TERM may be blocked, where whoever runs this has it so
case $(value x-stream) in
-1 | '') ;; # refused
0:*) cat "$file" >&3 2>/dev/null; packet ;; # the server takes all of it
*) offer=$(value x-stream); head -c "${offer%:*}" "$file" >&3 2>/dev/null; packet ;; # or so many bytes
esac
kill -KILL "$tls" 2>/dev/null # -quiet goes on after the end of its input
printf %s "$head"
exit "$(value status)"
