#!/bin/sh
# Shows unmodified tcpdump reading NFLOG group 5 with a filter: first with the system's libpcap alone, then with
# libpcap_nflog.so preloaded. Everything happens on the loopback of a private network namespace. Exits 0 only if every
# packet that the rules logged was shown.
set -u
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
export LC_ALL=C

say() { printf '%s\n' "$@"; }
fail() {
    printf 'demo: %s\n' "$@" >&2
    exit 1
}

# Outside: start again in a network namespace of its own. As a normal user that takes a user namespace, in which
# tcpdump must not be root: it would try to become another user, and there is none.
if [ "${1-}" != inside ]; then
    cd "$(dirname "$0")/.." || exit 1
    for rootless in '' '--user --map-user=1000 --map-group=1000 --keep-caps'; do
        # shellcheck disable=SC2086 # a list of options
        problem=$(unshare --net $rootless ip link set lo up 2>&1) &&
            exec unshare --net $rootless sh examples/demo.sh inside
    done
    fail "no private network namespace: $problem" \
        'As a normal user this needs user namespaces. They may be off here: see kernel.unprivileged_userns_clone,' \
        'user.max_user_namespaces, kernel.apparmor_restrict_unprivileged_userns, or the settings of the container.' \
        'Otherwise run it as root (in a container, with CAP_SYS_ADMIN and CAP_NET_ADMIN).'
fi

# Beside the sources what was built, otherwise what was installed: this file is in PREFIX/share/doc/pcap-nflog/examples.
if [ -f Cargo.toml ]; then
    library=${CARGO_TARGET_DIR:-target}/release/libpcap_nflog.so hint='make build'
else
    hint='install pcap-nflog anew'
    for library in ../../../lib/*/libpcap_nflog.so.0 ../../../lib/libpcap_nflog.so.0; do
        [ ! -f "$library" ] || break
    done
    [ ! -f "$library" ] || library=$(realpath "$library")
fi
library=${PCAP_NFLOG_LIB:-$library}
filter='tcp port 8080 or udp port 53'
tmp=$(mktemp -d) || exit 1
tcpdump=
# shellcheck disable=SC2317,SC2329 # called by the trap
clean_up() {
    [ -z "$tcpdump" ] || kill "$tcpdump" 2>/dev/null
    rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 1' HUP INT TERM

[ -f "$library" ] || fail "$library is not there: $hint, or set PCAP_NFLOG_LIB"
for command in tcpdump nft iptables ip6tables ip python3; do
    command -v "$command" >/dev/null || fail "$command is not there: install the package that has it"
done

# Some systems confine /usr/bin/tcpdump (AppArmor), and then it may not load a library from a build folder. The same
# program under another path is not confined.
program=tcpdump
if LD_PRELOAD=$library tcpdump --version 2>&1 | grep -q 'cannot be preloaded'; then
    program=$tmp/tcpdump
    chmod 755 "$tmp" && cp "$(command -v tcpdump)" "$program" || exit 1
    if LD_PRELOAD=$library "$program" --version 2>&1 | grep -q 'cannot be preloaded'; then
        fail "the dynamic linker refuses $library:" "$(LD_PRELOAD=$library "$program" --version 2>&1 | head -n 1)"
    fi
    say "(This system does not let tcpdump load $library; a copy of tcpdump is used.)" ''
fi

# Each packet on loopback passes OUTPUT and INPUT once, and is logged in one of them.
export XTABLES_LOCKFILE="$tmp/xtables.lock"
ip link set lo up || fail 'lo does not come up'
[ -n "$(ip -6 address show dev lo to ::1)" ] || fail 'this system has no IPv6'
cat >"$tmp/rules" <<'RULES'
nft add table inet demo
nft add chain inet demo input { type filter hook input priority 0; }
nft add rule inet demo input tcp dport 8080 counter log prefix "http" group 5
nft add rule inet demo input tcp sport 8080 counter log prefix "http" group 5
iptables -A OUTPUT -p udp -j NFLOG --nflog-group 5 --nflog-prefix dns
ip6tables -A OUTPUT -p udp -j NFLOG --nflog-group 5 --nflog-prefix dns
iptables -A OUTPUT -p icmp -j NFLOG --nflog-group 5 --nflog-prefix echo
ip6tables -A OUTPUT -p icmpv6 -j NFLOG --nflog-group 5 --nflog-prefix echo
RULES
say 'Rules that log to group 5:' ''
while read -r rule; do
    say "    $rule"
    set -f
    # shellcheck disable=SC2086 # a command line
    $rule || fail "this rule failed: $rule"
    set +f
done <"$tmp/rules"

echo 0 2>/dev/null >/proc/sys/net/ipv4/tcp_timestamps || : # shorter lines

# logged PROTOCOLS: how many packets the rules for these (a regular expression) have logged, by the rules' counters.
logged() {
    { nft list table inet demo && iptables-save -c && ip6tables-save -c; } |
        sed -nE 's/^\s*(tcp) .* counter packets ([0-9]+).*/\1 \2/p; s/^\[([0-9]+):.* -p (\S+) .*/\2 \1/p' |
        awk -v wanted="^($1)$" '$1 ~ wanted { sum += $2 } END { print sum + 0 }'
}
protocols='' before=0
expected() { echo $(($(logged "$protocols") - before)); }
shown() { grep -Ec '^[0-9:.]+ IP6? ' "$tmp/output"; }
listening() { grep -q 'listening on' "$tmp/output"; }
all_shown() { [ "$(shown)" = "$(expected)" ]; }

# within SECONDS CONDITION: waits until it holds; fails after SECONDS, or when tcpdump has ended.
within() {
    tries=$(($1 * 20))
    until "$2"; do
        tries=$((tries - 1))
        { [ "$tries" -gt 0 ] && kill -0 "$tcpdump" 2>/dev/null; } || return 1
        sleep 0.05
    done
}

problems=0
problem() {
    say "PROBLEM: $*"
    problems=$((problems + 1))
}

# expect COUNT REGEX: that many lines of the last capture match.
expect() {
    found=$(grep -Ec "$2" "$tmp/output")
    [ "$found" = "$1" ] || problem "$found lines match '$2', not $1"
}

# capture PROTOCOLS TCPDUMP_OPTION...: what tcpdump shows with the library while traffic.py runs. It must be all that
# the rules for PROTOCOLS log in that time, and the statistics must agree.
capture() {
    protocols=$1
    shift
    before=$(logged "$protocols")
    : >"$tmp/output"
    LD_PRELOAD=$library "$program" "$@" >"$tmp/output" 2>&1 &
    tcpdump=$!
    if within 10 listening; then
        timeout 30 python3 examples/traffic.py || problem 'the traffic did not get its answers'
        within 5 all_shown
        sleep 0.2 # for anything that comes twice
    fi
    kill -INT "$tcpdump" 2>/dev/null
    within 5 false # until it has ended
    kill -KILL "$tcpdump" 2>/dev/null
    wait "$tcpdump" || problem "tcpdump ended with status $?"
    tcpdump=
    cat "$tmp/output"
    all_shown || problem "$(expected) packets were logged, $(shown) were shown"
    expect 1 'listening on nflog:5, link-type RAW'
    expect 1 "^$(expected) packets captured"
    expect 1 '^0 packets dropped by kernel'
}

set -- -i nflog:5 --immediate-mode -l -nn

say '' "1. tcpdump with the system's libpcap" '' "\$ tcpdump $* '$filter'"
timeout -s INT 3 "$program" "$@" "$filter" 2>&1 || say '' 'It cannot filter packets from NFLOG.'

say '' '2. The same tcpdump with libpcap_nflog.so' '' "\$ LD_PRELOAD=$library tcpdump $* '$filter'"
capture 'tcp|udp' "$@" "$filter"
for ip in 'IP 127\.0\.0\.1' 'IP6 ::1'; do
    expect 1 "$ip\.[0-9]+ > .*\.8080: .*GET / HTTP/1.1"
    expect 1 "$ip\.8080 > .*HTTP/1.0 200 OK"
    expect 1 "$ip\.[0-9]+ > .*\.53: .*A\? example\.org\."
    expect 1 "$ip\.53 > .* A 192\.0\.2\.1"
done
expect 0 'ICMP'
filtered=$(shown)

say '' '3. Without a filter: all that the rules log' '' "\$ LD_PRELOAD=$library tcpdump $*"
capture '.*' "$@"
expect 2 'GET / HTTP/1.1'
expect 2 'A\? example\.org\.'
for kind in request reply; do
    expect 1 "IP 127\.0\.0\.1 > 127\.0\.0\.1: ICMP echo $kind"
    expect 1 "IP6 ::1 > ::1: ICMP6, echo $kind"
done

say ''
[ "$problems" = 0 ] || fail "$problems checks failed, see PROBLEM above"
say "demo: every logged packet was shown: $filtered with the filter, $(shown) without, IPv4 and IPv6."
