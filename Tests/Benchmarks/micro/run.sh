#!/bin/sh
# Measures the parts by themselves: run.sh [TEXT], only those whose names contain the text.
set -eu
cd "$(dirname "$0")"
scratch=../../../.build/benchmark-parts # the formatter looks at everything below Tests
# Testable, because what compresses a member is no public API.
swift build -c release -Xswiftc -enable-testing --scratch-path "$scratch" --product BenchmarkParts
certificates=$scratch/certificates
rm -rf "$certificates" # they are valid for a year only
../../../certs/make "$certificates" >/dev/null
"$scratch/release/BenchmarkParts" "$certificates" "$@"
