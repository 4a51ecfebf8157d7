#!/usr/bin/env bash
# usage: guest.sh COUNTS 'FILTER...' BINARY...
# Runs test binaries, each to its end, in the virtual machine of boot.sh, and leaves the result line of each in COUNTS.
# FILTER chooses tests, as for cargo test.
set -u
counts=$1 filter=$2
shift 2
uname -srv
output=$(mktemp) failed=0
: >"$counts"
for binary; do
    # shellcheck disable=SC2086 # a list of words
    "$binary" --test-threads="$(nproc)" $filter 2>&1 | tee "$output"
    [ "${PIPESTATUS[0]}" = 0 ] || failed=1
    # What a test that failed has written may have lines like it: the binary's own is the last.
    grep '^test result: ' "$output" | tail -n 1 >>"$counts"
done
exit $failed
