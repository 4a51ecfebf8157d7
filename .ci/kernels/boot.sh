#!/usr/bin/env bash
# usage: boot.sh KERNEL RESULTS COMMAND...
# Boots the kernel that package.sh has left in KERNEL, in a virtual machine that has this machine's files, and runs
# COMMAND there as root, in this folder. What it changes stays in the machine's memory, except in RESULTS: there are
# `output`, `status` and `console`. Its exit status is this one's; 124 is for KERNEL_SECONDS (3600) that have passed, 125
# for a machine that ended without a word.
#
# The processor is emulated (ACCEL=tcg): that works everywhere. ACCEL=kvm is faster where it works; inside of virtual
# machines it may hang.
set -eu
kernel=$(realpath "$1")
mkdir -p "$2"
results=$(realpath "$2")
shift 2
here=$(realpath "$(dirname "$0")")
PATH=$PATH:/usr/sbin:/sbin

version=$(ls "$kernel/lib/modules")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The first file system: busybox, what the second one needs of modules, and init.
mkdir -p "$work/first/bin" "$work/first/modules"
cp "$(command -v busybox)" "$work/first/bin/busybox"
install -m 755 "$here/init" "$work/first/init"
number=100
for module in virtio_pci 9pnet_virtio 9p overlay; do
    modprobe -d "$kernel" -S "$version" --show-depends "$module"
done | awk '$1 == "insmod" && !seen[$2]++ { print $2 }' >"$work/modules"
while read -r module; do
    name=$(basename "$module")
    case $name in
    *.xz) xz -dc "$module" ;;
    *.zst) zstd -qdc "$module" ;;
    *) cat "$module" ;;
    esac >"$work/first/modules/$number-${name%%.ko*}.ko"
    number=$((number + 1))
done <"$work/modules"
(cd "$work/first" && find . | cpio --quiet -o -H newc -R 0:0) >"$work/initrd"

# share NAME FOLDER [OPTION]: a folder that the machine mounts by that name.
share() {
    machine+=(-fsdev "local,id=$1,path=$2,security_model=none,multidevs=remap${3:+,$3}"
        -device "virtio-9p-pci,fsdev=$1,mount_tag=$1")
}

case ${ACCEL:-tcg} in
kvm) machine=(-accel kvm -cpu host) ;;
*) machine=(-accel tcg,thread=multi -cpu max) ;;
esac
machine+=(-smp 2 -m 2048 -nographic -nic none -no-reboot)
share host / readonly=on
share modules "$kernel/lib/modules" readonly=on
share results "$results"

rm -f "$results/status" "$results/output"
printf '%q ' cd "$PWD" >"$results/command"
printf '\nexec env' >>"$results/command"
printf ' %q' PATH="$PATH" HOME="$HOME" LANG=C.UTF-8 "$@" >>"$results/command"

ended=0
nice timeout --foreground --kill-after=10 "${KERNEL_SECONDS:-3600}" qemu-system-x86_64 "${machine[@]}" \
    -kernel "$kernel/vmlinuz" -initrd "$work/initrd" -append 'console=ttyS0 quiet panic=-1' \
    </dev/null >"$results/console" 2>&1 || ended=$?
[ "$ended" != 124 ] || exit 124
status=$(cat "$results/status" 2>/dev/null) || status=125
exit "$status"
