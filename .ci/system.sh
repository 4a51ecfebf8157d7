# Debian systems of their own, for the scripts beside this one: `.` it. Needs root and mmdebstrap. Nothing of a system is
# left: it is a folder in $TMPDIR, and what is mounted in it is mounted in a private namespace.
# shellcheck shell=bash

[ "$(id -u)" = 0 ] || { echo "$0 needs root: it makes Debian systems, and enters them by pivot_root" >&2; exit 1; }

repository=$(realpath "$(dirname "${BASH_SOURCE[0]}")/..")
systems=$(mktemp -d "${TMPDIR:-/tmp}/pcap-nflog-systems.XXXXXX") || exit 1
trap 'rm -rf --one-file-system "$systems"' EXIT
trap 'exit 1' HUP INT TERM

# make_system NAME SUITE ARCHITECTURES [PACKAGE...]: a minimal Debian, with this repository in /root/pcap-nflog.
make_system() {
    local name=$1 suite=$2 architectures=$3 root=$systems/$1
    shift 3
    local include
    include=$(echo "make mount $*" | tr ' ' ,)
    # A mirror may be behind: what it has is signed all the same.
    nice mmdebstrap --quiet --variant=minbase --aptopt='Acquire::Check-Valid-Until "false"' \
        --architectures="$architectures" --include="${include%,}" "$suite" "$root" || return 1
    # The host's names, and the certificates that it trusts in addition.
    cp /etc/resolv.conf /etc/hosts "$root/etc/"
    mkdir -p "$root/usr/local/share/ca-certificates" "$root/root/pcap-nflog"
    cp /usr/local/share/ca-certificates/*.crt "$root/usr/local/share/ca-certificates/" 2>/dev/null || :
    [ ! -x "$root/usr/sbin/update-ca-certificates" ] || chroot "$root" update-ca-certificates >/dev/null 2>&1
    (cd "$repository" && git ls-files -z --cached --others --exclude-standard | tar -c --null --files-from=-) |
        tar -x -C "$root/root/pcap-nflog"
}

# inside NAME COMMAND...: runs a command in the repository's copy in a system, as the init of a container would: by
# pivot_root, since in a chroot there are no user namespaces.
inside() {
    local root=$systems/$1
    shift
    # shellcheck disable=SC2016 # for the inner shell
    nice unshare --mount --pid --fork --kill-child bash -eu -c '
        root=$1
        shift
        mount --make-rprivate /
        mount --bind "$root" "$root"
        mount -t proc proc "$root/proc"
        mount --rbind /sys "$root/sys"
        mount --rbind /dev "$root/dev"
        mount -t tmpfs tmpfs "$root/tmp"
        cd "$root"
        pivot_root . .
        umount -l .
        cd /root/pcap-nflog
        exec env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb "$@"
    ' inside "$root" "$@" </dev/null
}

remove_system() { rm -rf --one-file-system "${systems:?}/$1"; }
