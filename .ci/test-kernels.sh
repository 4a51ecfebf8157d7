#!/usr/bin/env bash
# usage: test-kernels.sh SUITE...
# Runs the kernel and oracle tests on the kernels of Debian suites, each in an emulated machine that has this one's files
# and programs: only the kernel is another. TESTS chooses tests by words of their names. What a machine wrote is in
# target/kernels/SUITE/results. The last line counts; the exit status is 0 only if tests ran on each and none failed.
set -u
cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
[ "$(uname -m)" = x86_64 ] || { echo "this machine is $(uname -m): the machines are emulated for amd64 only" >&2; exit 1; }
target=$(realpath -m "${CARGO_TARGET_DIR:-target}")

cargo build --release || exit 1
# Each line: Executable tests/kernel/main.rs (target/debug/deps/kernel-…)
built=$(cargo test --no-run --test kernel --test oracle 2>&1) || { printf '%s\n' "$built" >&2; exit 1; }
mapfile -t binaries < <(sed -n 's/^ *Executable .*(\(.*\))$/\1/p' <<<"$built" | xargs realpath)
[ "${#binaries[@]}" = 2 ] || { echo "cargo has not built two test programs: ${binaries[*]}" >&2; exit 1; }
# Copies: whoever goes on building meanwhile changes nothing of what is tested.
tested=$target/kernels/tested
rm -rf "$tested"
mkdir -p "$tested"
cp "$target"/release/libpcap_nflog.{so,a} "$target/release/pcap-nflog" .ci/kernels/guest.sh "${binaries[@]}" "$tested"
binaries=("${binaries[@]/#*\//$tested/}")

# An emulated processor is slow: the tests wait longer, and send slower where something must keep up.
case ${ACCEL:-tcg} in
tcg) slack=10 ;;
*) slack=1 ;;
esac

passed=0 failed=0
for suite; do
    folder=$target/kernels/$suite results=$target/kernels/$suite/results
    printf '\n== %s: ' "$suite"
    if ! kernel=$(bash .ci/kernels/package.sh "$suite" "$folder"); then
        echo 'FAILED: no kernel'
        failed=$((failed + 1))
        continue
    fi
    echo "${kernel##*/}"
    status=0
    mkdir -p "$results"
    : >"$results/counts"
    bash .ci/kernels/boot.sh "$kernel" "$results" PCAP_NFLOG_LIB="$tested/libpcap_nflog.so" PCAP_NFLOG_TEST_SLACK="$slack" \
        bash "$tested/guest.sh" /run/results/counts "${TESTS-}" "${binaries[@]}" || status=$?
    read -r ok bad < <(awk '{ for (i = 2; i <= NF; i++) { sub(/;/, "", $i); sum[$i] += $(i - 1) } }
        END { print sum["passed"] + 0, sum["failed"] + 0 }' "$results/counts")
    case $status in
    0) [ "$((ok + bad))" != 0 ] || { echo 'FAILED: no test ran'; bad=1; } ;;
    124) echo "FAILED: not done after ${KERNEL_SECONDS:-3600} s"; bad=$((bad + 1)) ;;
    125) echo 'FAILED: the machine ended before the tests did'; bad=$((bad + 1)) ;;
    *) [ "$bad" != 0 ] || { echo 'FAILED: a test program crashed'; bad=1; } ;;
    esac
    if [ "$bad" != 0 ]; then
        sed -n 's/^test \(.*\) \.\.\. FAILED$/FAILED: \1/p' "$results/output" | sort -u
        echo "what the tests wrote is in $results/output, what the machine wrote in $results/console"
    fi
    echo "$ok passed, $bad failed"
    passed=$((passed + ok)) failed=$((failed + bad))
done
[ "$((passed + failed))" != 0 ] || { echo 'FAILED: no kernel was named'; failed=1; }
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
