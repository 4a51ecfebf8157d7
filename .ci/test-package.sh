#!/usr/bin/env bash
# usage: test-package.sh PACKAGE
# Installs the Debian package into a Debian system of its own, captures with it there, and removes it: nothing may be
# left. The system is a folder made of the host's own, in private mount, network and pid namespaces: the host's /usr is
# only looked at, through an overlay. Needs root, or user namespaces.
set -eu
package=$(realpath "$1")
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

if [ "${2-}" != inside ]; then
    echo "lintian: no errors, or it says which"
    lintian --fail-on error "$package"
    awk '$5 == "/" { found = 1 } END { exit !found }' /proc/self/mountinfo || {
        echo 'The root folder is no mount point: this is a chroot, where nothing can be mounted in private.' \
            'Enter the system by pivot_root(2), as systemd-nspawn, bubblewrap and podman run --rootfs do.' >&2
        exit 1
    }
    user=
    [ "$(id -u)" = 0 ] || user='--user --map-root-user'
    # shellcheck disable=SC2086 # a list of options
    exec unshare $user --mount --net --pid --fork bash "$0" "$package" inside
fi

mount --make-rprivate /
root=/mnt
mount -t tmpfs none $root
mkdir $root/upper $root/work $root/system
mount -t overlay overlay -o "lowerdir=/,upperdir=$root/upper,workdir=$root/work" $root/system
cp "$package" $root/system/package.deb
mount -t proc proc $root/system/proc
mount --rbind /dev $root/system/dev
mount -t tmpfs none $root/system/tmp
# Where this repository is, others may be building.
exec chroot $root/system bash -eu -c '
    set -o pipefail
    repository=$1
    fail() { echo "FAILED: $*" >&2; exit 1; }
    # What there is: names, kinds, sizes, and the targets of links. The logs and lists of dpkg change with each run, and
    # outside of these folders, where no package puts anything, others may be at work.
    state() { find /bin /boot /etc /lib* /opt /sbin /srv /usr /var -xdev \( -path /var/lib/dpkg -o -path /var/log -o \
        -path /var/cache -o -path /etc/ld.so.cache -o -path "$repository" \) -prune -o \
        -not -type d -printf "%p %y %s %l\n" | sort; }
    ip link set lo up
    state > /tmp/before
    grep -q "^/usr/bin/dpkg f" /tmp/before || fail "what there is was not found"
    ldconfig -p | grep -F libpcap.so | sort > /tmp/libpcap-before

    dpkg -i /package.deb
    dpkg -s pcap-nflog | grep -E "^(Version|Depends|Recommends):"
    [ "$(ldconfig -p | grep -F libpcap.so | sort)" = "$(cat /tmp/libpcap-before)" ] || fail "libpcap is shadowed"
    # Not -q: ldconfig must not be cut off, with pipefail.
    ldconfig -p | grep libpcap_nflog.so.0 >/dev/null || fail "the library is not in the cache of the linker"
    man -w pcap-nflog pcap_nflog >/dev/null 2>&1 || ls /usr/share/man/man1/pcap-nflog.1.gz /usr/share/man/man3/pcap_nflog.3.gz >/dev/null

    pcap-nflog doctor tcpdump
    ( sleep 1; for number in 1 2 3; do echo "$number" >/dev/udp/127.0.0.1/9000; sleep 0.1; done ) 2>/dev/null &
    timeout 20 pcap-nflog tap --hooks output "udp dport 9000" -- tcpdump -lnn -c 3 -i {} "udp port 9000" | tee /tmp/shown
    [ "$(grep -c "127.0.0.1.9000: UDP, length 2" /tmp/shown)" = 3 ] || fail "three datagrams were sent"

    # What the README shows and names is there, and the demo runs from where it is installed.
    cd /usr/share/doc/pcap-nflog
    grep -o "]([^)#:]*)" README.md | tr -d "()]" | while read -r file; do
        [ -e "$file" ] || fail "the README names $file, which is not installed"
    done
    sh examples/demo.sh | tail -n 1
    cd /

    # A C program, with the library that the linker finds, and with the static one.
    cat > /tmp/version.c <<END
#include <pcap_nflog.h>
#include <stdio.h>
int main(void) { return puts(pcap_nflog_version()) < 0; }
END
    cc -o /tmp/shared /tmp/version.c $(pkg-config --cflags --libs pcap_nflog) && /tmp/shared
    cc -o /tmp/archive /tmp/version.c $(pkg-config --cflags pcap_nflog) -l:libpcap_nflog.a \
        $(pkg-config --static --libs pcap_nflog | sed "s/-lpcap_nflog//") && /tmp/archive
    ! ldd /tmp/archive | grep pcap_nflog || fail "the archive was not linked in"
    rm /tmp/shared /tmp/archive /tmp/version.c /tmp/shown

    dpkg -P pcap-nflog
    state > /tmp/after
    diff /tmp/before /tmp/after || fail "removal left something behind"
    [ "$(ldconfig -p | grep -c pcap_nflog)" = 0 ] || fail "the cache of the linker has it still"
    [ "$(nft list tables)" = "" ] || fail "a table is left"
    echo "package: installed, used and removed without a trace"
' test-package "$(dirname "$(dirname "$(realpath "$0")")")"
