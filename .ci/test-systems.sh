#!/usr/bin/env bash
# usage: test-systems.sh SUITE...
# The two commands of the README, `make demo` and `make test`, in a fresh Debian each, with nothing in it but make. The
# exit status is 0 only if both succeeded in every one.
set -u
suites=$*
# shellcheck source=.ci/system.sh
. "$(dirname "$0")/system.sh"

failed=0
for suite in $suites; do
    printf '\n== Debian %s: a fresh system\n' "$suite"
    if ! make_system "$suite" "$suite" "$(dpkg --print-architecture)"; then
        echo "FAILED: no system of Debian $suite could be made"
        failed=$((failed + 1))
        continue
    fi
    for command in demo test; do
        printf '\n== Debian %s: make %s\n' "$suite" "$command"
        start=$SECONDS
        if inside "$suite" make "$command"; then
            echo "Debian $suite: make $command succeeded in $((SECONDS - start)) s"
        else
            echo "FAILED: Debian $suite: make $command"
            failed=$((failed + 1))
        fi
    done
    remove_system "$suite"
done
printf '\n%s systems, %d failures\n' "$(echo "$suites" | wc -w)" "$failed"
[ "$failed" = 0 ]
