#!/bin/sh
# Fuzzes what reads what clients, proxies and operators write: run.sh [SECONDS]. The parser of x-stream with its machine has
# SECONDS, the record decryptor against libssl, connections of HTTP/1.1 and configurations half of that each, forms and heads
# of HTTP, headers of proxies and files of tokens a quarter each.
# Seeds come from docs/protocol.md and from here; a finding is a file crash-* beside this script, and the target's program
# with that file shows it again.
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
# An empty folder for seeds, and what earlier runs found interesting stays in it.
corpus() {
  corpus=$scratch/$1
  mkdir -p "$corpus"
}

corpus corpus
# Four decisions (0x04 and four bytes) and then the block.
awk -v dir="$corpus" '
  /^```packet / { if ($2 != "escaped") { file = dir "/seed-" ++n; printf "%c%s", 4, "abcd" > file }; next }
  /^```$/ { if (file) close(file); file = ""; next }
  file { print >> file }
' ../../docs/protocol.md
fuzz FuzzServerExchange "$seconds" "$corpus" -max_len=20000

corpus corpus-records
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

corpus corpus-forms
part='Content-Disposition: form-data; name="f"; filename="a%22b"'
printf '\001\000--b\r\nA: 1\r\nX: y\r\n\r\nhello\r\n--\r\n-b\r\n--b\r\nA: 2\r\n\r\n\r\n--b--\r\nend' >"$corpus/seed-two"
printf '\004\001\002\003\004x\r\n--b \t\r\n%s\r\n\r\n\r\r\n\r\n--b\r\n\r\n\r\n-\r\n--b--' "$part" >"$corpus/seed-blanks"
fuzz FuzzMultipart "$((seconds / 4))" "$corpus" -max_len=4000

corpus corpus-heads
key=KKKKKKKKKKKKKKKKKKKKKKKKKKKKKKKK
seed() { # seed NAME LINE...
  name=$1
  shift
  printf '%s\n' "$@" >"$corpus/seed-$name"
}
seed append "PATCH /files/$key" 'Host: localhost:8443' 'Tus-Resumable: 1.0.0' 'Upload-Offset: 5' 'Upload-Length: 9' \
  'Content-Type: application/offset+octet-stream' 'Content-Length: 4' 'Upload-Checksum: sha1 Kq5sNclPz7QV2+lfQIuc6R7oRu0='
seed creation 'POST https://localhost/files' 'Host: localhost' 'Upload-Metadata: filename YSBi,empty,x YQ==' \
  'Upload-Defer-Length: 1' "Upload-Concat: final;/files/$key https://localhost/files/$key" 'Tus-Resumable: 1.0.0' \
  'Transfer-Encoding: chunked'
seed put 'PUT /files/a%20b?q' 'Host: [::1]:443' 'X-Hosts: 1' 'Upload-Complete: ?0;a=1' 'Expect: 100-continue' \
  'Repr-Digest: sha-256=:LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=:;a, b=(1 2 "c");d=?0' \
  'Want-Repr-Digest: sha-256=3, x=1.5' 'Upload-Draft-Interop-Version: 8' 'Origin: https://app.example' \
  "Content-Disposition: attachment; filename=\"a\\\"b\"; filename*=UTF-8'en'%e2%82%ac"
fuzz FuzzRequestHead "$((seconds / 4))" "$corpus" -max_len=3000

corpus corpus-connections
message() { # message NAME BODY LINE... with so many decisions before it that bytes come in slices
  name=$1 body=$2
  shift 2
  printf '\004\001\002\003\000' >"$corpus/seed-$name"
  printf '%s\r\n' "$@" 'Host: localhost' '' >>"$corpus/seed-$name"
  printf '%b' "$body" >>"$corpus/seed-$name"
}
draft='Upload-Draft-Interop-Version: 8'
message put 'hello' 'PUT /files/x HTTP/1.1' 'Content-Length: 5'
message chunks '5;a=b\r\nhello\r\n0\r\nA: b\r\n\r\nHEAD /files HTTP/1.1\r\nHost: a\r\n\r\n' 'PUT /files/x HTTP/1.1' \
  'Transfer-Encoding: chunked' 'Expect: 100-continue'
message tus 'hello' "PATCH /files/$key HTTP/1.1" 'Tus-Resumable: 1.0.0' 'Upload-Offset: 0' 'Content-Length: 5' \
  'Content-Type: application/offset+octet-stream'
message draft 'helloworld' "PATCH /files/$key HTTP/1.1" 'Upload-Offset: 0' 'Content-Length: 10' "$draft" \
  'Upload-Complete: ?1' 'Content-Type: application/partial-upload'
message creation '' 'POST /files HTTP/1.1' 'Upload-Complete: ?0' 'Upload-Length: 20' 'Content-Length: 0' "$draft"
message form '--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\nhello\r\n--b--\r\n' \
  'POST /files HTTP/1.1' 'Content-Type: multipart/form-data; boundary=b' 'Content-Length: 73'
message remove '' "DELETE /files/$key HTTP/1.1" 'Tus-Resumable: 1.0.0'
message old 'hello' 'PUT /files/x HTTP/1.0' 'Content-Length: 5' 'Connection: keep-alive'
fuzz FuzzHTTPConnection "$((seconds / 2))" "$corpus" -max_len=4000

corpus corpus-proxies
seed_bytes() { # seed_bytes NAME BYTES, with two decisions before them
  printf '\002\001\010'"$2" >"$corpus/seed-$1"
}
signature='\r\n\r\n\000\r\nQUIT\n'
seed_bytes four 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n\026\003\001'
seed_bytes six 'PROXY TCP6 2001:db8::1 ::ffff:192.0.2.1 1 65535\r\n\026'
seed_bytes unknown 'PROXY UNKNOWN ffff::1 ::1 1 2\r\n\026'
seed_bytes binary-four "$signature"'\041\021\000\017\300\000\002\001\306\063\144\002\001\002\001\273\003\000\000\026'
seed_bytes binary-six "$signature"'\041\041\000\044aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb\001\002\001\273\026'
seed_bytes local "$signature"'\040\000\000\000\026\003\001'
seed_bytes unix "$signature"'\041\061\000\002ab\026'
seed_bytes none '\026\003\001\002\000\001'
fuzz FuzzProxyHeader "$((seconds / 4))" "$corpus" -max_len=4300

corpus corpus-tokens
zeros=00000000000000000000000000000000
seed plain secret '# who' "alice $zeros$zeros group=hosts expires=2027-01-31 # hers" '' "b@c.d-e_f	$zeros${zeros%0}1"
seed salted slc_k3v7q2ma_abcdefghijklmnopqrstuvwxyz234567 \
  "host sha256:k3v7q2mb:$zeros:$zeros$zeros routes=/a,/b/c created=2027-01-31T12:00:00Z revoked=2028-02-29"
# The token `secret` on a line of its own.
seed known secret 'carol 2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b'
dictionary=$scratch/tokens.dict
printf '"%s"\n' group= routes= created= expires= revoked= sha256: slc_ 2027-01-31 "$zeros" '#' >"$dictionary"
fuzz FuzzTokenFile "$((seconds / 4))" "$corpus" -max_len=1500 -dict="$dictionary"

corpus corpus-configurations
# The examples of the page, and what stands between backticks in it.
awk -v dir="$corpus" '
  /^```yaml/ { file = dir "/seed-" ++n; printf "" > file; next }
  /^```$/ { if (file) close(file); file = ""; next }
  file { print >> file }
' ../../docs/configuration.md
dictionary=$scratch/configuration.dict
grep -o '`[A-Za-z0-9:./*{}_ -]*`' ../../docs/configuration.md | tr -d '`' | sort -u | awk 'length { print "\"" $0 "\"" }' \
  >"$dictionary"
fuzz FuzzConfiguration "$((seconds / 2))" "$corpus" -max_len=3000 -dict="$dictionary"
