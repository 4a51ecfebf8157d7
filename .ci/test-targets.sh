#!/usr/bin/env bash
# usage: test-targets.sh 'PACKAGES' [TARGET...]
# The targets that this machine is not, each in a Debian of its own, with Debian's Rust:
#   i386   32 bits; a system that runs here as it is: everything but the programs of the README's table
#   armhf  32 bits, with a time_t of 64; cross-built, run by qemu-user: what needs no kernel
#   s390x  big-endian; the same
# qemu-user has no netlink but the routing family's, hence the last two cannot open NFLOG. The exit status is 0 only if
# nothing failed.
set -u
cd "$(dirname "$0")/.." || exit 1
packages=$1
shift
[ $# != 0 ] || set -- i386 armhf s390x
targets=$*
# shellcheck source=.ci/system.sh
. .ci/system.sh

passed=0 failed=0
check() {
    local what=$1
    shift
    printf '\n== %s\n' "$what"
    if "$@"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED: $what"
    fi
}

# A step that runs test binaries: each test counts, and is named if it failed.
check_tests() {
    local what=$1 output=$systems/output status=0 ok bad
    shift
    printf '\n== %s\n' "$what"
    "$@" 2>&1 | tee "$output"
    status=${PIPESTATUS[0]}
    read -r ok bad < <(awk '
        /^test result: / { gsub(/;/, ""); for (i = 2; i <= NF; i++) sum[$i] += $(i - 1) }
        END { print sum["passed"] + 0, sum["failed"] + 0 }' "$output")
    # One that did not compile, or crashed, has no failed test; nor has one without tests.
    if [ "$bad" = 0 ] && { [ "$status" != 0 ] || [ "$ok" = 0 ]; }; then
        bad=1
    fi
    if [ "$bad" != 0 ]; then
        echo "FAILED: $what"
        sed -n 's/^test \(.*\) \.\.\. FAILED$/    \1/p' "$output"
    fi
    echo "$what: $ok passed, $bad failed"
    passed=$((passed + ok)) failed=$((failed + bad))
}

# make_any NAME ARCHITECTURES PACKAGE...: of the oldest release that has them: a mirror may lack, or be between two
# states of, what is not its own architecture.
make_any() {
    local name=$1
    shift
    for suite in trixie testing; do
        if make_system "$name" "$suite" "$@"; then
            echo "$name: Debian $suite, $(inside "$name" cargo --version)"
            return
        fi
        rm -rf --one-file-system "${systems:?}/$name"
        echo "$name: Debian $suite cannot be had for $1 from this mirror"
    done
    return 1
}

# expect_error WORDS COMMAND...: it fails, and says that.
expect_error() {
    local words=$1 output
    shift
    if output=$("$@" 2>&1); then
        echo "it did not fail: $*"
        return 1
    fi
    grep -F -m 1 -- "$words" <<<"$output" || {
        echo "it did not say '$words':"
        echo "$output"
        return 1
    }
}

# The header, in both of its forms, with each time_t: a client that would misread records is refused.
check_header() {
    local system=$1 compiler=$2
    echo '#include <pcap_nflog.h>' >"$systems/$system/root/header.c"
    for form in "" -DPCAP_NFLOG_STANDALONE; do
        # shellcheck disable=SC2086 # no word, or one
        compile() { inside "$system" "$compiler" $form "$@" -Wall -Werror -Iinclude -fsyntax-only /root/header.c; }
        case $system in
            i386)
                check "i386: the header ($form)" compile
                check "i386: the header is refused with _TIME_BITS=64 ($form)" expect_error 'without _TIME_BITS=64' \
                    compile -D_TIME_BITS=64 -D_FILE_OFFSET_BITS=64
                ;;
            armhf)
                check "armhf: the header ($form)" compile -DPCAP_NFLOG_TIME_BITS=64
                check "armhf: the header is refused for the other time_t ($form)" \
                    expect_error 'Compile with -D_TIME_BITS=64' compile -U_TIME_BITS -DPCAP_NFLOG_TIME_BITS=64
                ;;
            *) check "$system: the header ($form)" compile ;;
        esac
    done
}

test_i386() {
    # shellcheck disable=SC2086 # a list
    make_any i386 i386 cargo ca-certificates $packages || return 1
    check_header i386 cc
    local name tests=()
    for name in tests/*.rs tests/*/main.rs launcher/tests/*.rs; do
        name=${name%/main.rs} name=${name##*/}
        [ "$name" = clients.rs ] || tests+=(--test "${name%.rs}")
    done
    check 'i386: examples' inside i386 cargo build --examples
    check_tests 'i386: tests' inside i386 cargo test --no-fail-fast --lib --bins "${tests[@]}"
    check 'i386: release build' inside i386 make build
    check 'i386: demo' inside i386 sh examples/demo.sh
    remove_system i386
}

# test_cross ARCHITECTURE RUST_TARGET GNU_PREFIX EMULATOR
test_cross() {
    local system=$1 target=$2 compiler=$3-gcc emulator=$4 variable build
    make_any "$system" "amd64,$system" cargo ca-certificates qemu-user "crossbuild-essential-$system" \
        "libstd-rust-dev:$system" "libpcap0.8-dev:$system" || return 1
    check_header "$system" "$compiler"
    variable=CARGO_TARGET_$(echo "$target" | tr 'a-z-' A-Z_)
    build=(env "${variable}_LINKER=$compiler" "${variable}_RUNNER=$emulator -L /" CARGO_PROFILE_DEV_OPT_LEVEL=1
        "PCAP_NFLOG_LIBPCAP=/usr/lib/$3/libpcap.so.0.8")
    if [ "$system" = armhf ]; then
        check 'armhf: a build for the other time_t is refused' expect_error 'time_t has 64 bits on this system' \
            inside "$system" "${build[@]}" cargo build --target "$target"
        build+=("RUSTFLAGS=--cfg=libc_unstable_gnu_time_bits=\"64\"")
    fi
    # The test that is left out opens a socket of NFLOG.
    check_tests "$system: tests under $emulator" inside "$system" "${build[@]}" cargo test --target "$target" \
        --no-fail-fast --lib --bins --test properties --test repeats --test filters -- \
        --skip a_receive_returns_when_its_time_is_over
    check "$system: records of a savefile" savefile "$system" "$target" "$compiler" "$emulator"
    remove_system "$system"
}

# A C client, linked with the library, reads a savefile by the system's libpcap: the records are as the client knows them.
savefile() {
    local system=$1 target=$2 compiler=$3 emulator=$4 root=$systems/$1
    printf '\324\303\262\241\2\0\4\0\0\0\0\0\0\0\0\0\377\377\0\0\145\0\0\0\0\361\123\145\100\342\1\0\4\0\0\0\5\0\0\0abcd' \
        >"$root/root/one.pcap"
    cat >"$root/root/client.c" <<'END'
#include <pcap_nflog.h>
#include <stdio.h>
int main(int count, char **words) {
    char errbuf[256];
    struct pcap_pkthdr *header;
    const unsigned char *data;
    pcap_t *p = pcap_open_offline(words[count - 1], errbuf);
    if (!p || pcap_next_ex(p, &header, &data) != 1) return puts(p ? pcap_geterr(p) : errbuf), 1;
    printf("%lld.%06lld %u %u %.4s\n", (long long)header->ts.tv_sec, (long long)header->ts.tv_usec, header->caplen,
           header->len, (const char *)data);
    return 0;
}
END
    # shellcheck disable=SC2016 # for the inner shell
    inside "$system" sh -euc '
        define=
        [ "$1" != armhf ] || define=-DPCAP_NFLOG_TIME_BITS=64
        ln -sf libpcap_nflog.so "target/$2/debug/deps/libpcap_nflog.so.0"
        "$3" $define -Iinclude -o /root/client /root/client.c -L"target/$2/debug/deps" -lpcap_nflog
        shown=$("$4" -L / -E "LD_LIBRARY_PATH=target/$2/debug/deps" /root/client /root/one.pcap)
        echo "$shown"
        [ "$shown" = "1700000000.123456 4 5 abcd" ]
    ' savefile "$system" "$target" "$compiler" "$emulator"
}

for target in $targets; do
    case $target in
        i386) test_i386 ;;
        armhf) test_cross armhf armv7-unknown-linux-gnueabihf arm-linux-gnueabihf qemu-arm ;;
        s390x) test_cross s390x s390x-unknown-linux-gnu s390x-linux-gnu qemu-s390x ;;
        *) echo "$target: i386, armhf and s390x are known" && false ;;
    esac || {
        failed=$((failed + 1))
        echo "FAILED: $target"
    }
done
printf '\n%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
