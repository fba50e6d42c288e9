#!/bin/sh
# Fuzzes the parser and the server's machine: run.sh [SECONDS]. Seeds come from docs/protocol.md's vectors; a finding is
# a file crash-* beside this script, and `FuzzServerExchange crash-...` shows it again.
set -eu
cd "$(dirname "$0")"
scratch=../../.build/fuzz # the formatter looks at everything below Tests
swift build --scratch-path "$scratch" --product FuzzServerExchange
corpus=$scratch/corpus
mkdir -p "$corpus"
# Four decisions (0x04 and four bytes) and then the block.
awk -v dir="$corpus" '
  /^```packet / { if ($2 != "escaped") { file = dir "/seed-" ++n; printf "%c%s", 4, "abcd" > file }; next }
  /^```$/ { if (file) close(file); file = ""; next }
  file { print >> file }
' ../../docs/protocol.md
SWIFT_BACKTRACE=enable=no "$scratch/debug/FuzzServerExchange" -max_total_time="${1:-60}" -max_len=20000 -timeout=5 \
  -rss_limit_mb=2048 -print_final_stats=1 "$corpus"
