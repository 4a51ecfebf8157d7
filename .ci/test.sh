#!/usr/bin/env bash
# Every check of this repository, whether or not an earlier one failed. The last line counts them; the exit status
# is 0 only if tests ran and nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 1
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
target=${CARGO_TARGET_DIR:-target}
PCAP_NFLOG_LIB=$(realpath -m "$target")/release/libpcap_nflog.so
export PCAP_NFLOG_LIB

logs=$(mktemp -d) || exit 1
trap 'rm -rf "$logs"' EXIT
passed=0 failed=0 skipped=0 tests=0

# heading COMMAND...: runs it with its output shown and kept; returns its exit status.
run() {
    printf '\n== %s\n' "$*"
    "$@" 2>&1 | tee "$logs/output"
    return "${PIPESTATUS[0]}"
}

# A step that is one check.
check() {
    if run "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        printf 'FAILED: %s\n' "$*"
    fi
}

# A step that runs test binaries: each test counts. One that fails without a failed test (it did not compile, or a
# test binary crashed) counts as one failure.
check_tests() {
    local status=0 ok bad ignored
    run "$@" || status=$?
    read -r ok bad ignored < <(awk '
        /^test result: / { gsub(/;/, ""); for (i = 2; i <= NF; i++) sum[$i] += $(i - 1) }
        END { print sum["passed"] + 0, sum["failed"] + 0, sum["ignored"] + 0 }' "$logs/output")
    if [ "$status" != 0 ]; then
        [ "$bad" != 0 ] || bad=1
        printf 'FAILED: %s\n' "$*"
    fi
    tests=$((tests + ok + bad))
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + ignored))
}

check cargo fmt --check
check cargo clippy --all-targets -- -D warnings
check cargo build --release
check env RUSTDOCFLAGS='-D warnings' cargo doc --no-deps --lib
check cargo build --examples
left_out=()
if ! command -v trafshow >/dev/null && ! apt-cache show netdiag >/dev/null 2>&1; then
    printf '\nSKIPPED: trafshow_shows_the_flow_that_was_sent: this system has no package netdiag\n'
    left_out=(-- --skip trafshow_shows_the_flow_that_was_sent)
    skipped=$((skipped + 1))
fi
check_tests cargo test --no-fail-fast --lib --bins --tests ${left_out[@]+"${left_out[@]}"}
check_tests cargo test --no-fail-fast --doc
check env -u PCAP_NFLOG_LIB sh examples/demo.sh
check make bench-smoke

if [ "$tests" = 0 ]; then
    failed=$((failed + 1))
    echo 'FAILED: no test ran'
fi
printf '\n%d passed, %d failed' "$passed" "$failed"
[ "$skipped" = 0 ] || printf ', %d skipped' "$skipped"
printf '\n'
[ "$failed" = 0 ]
