#!/bin/sh
# usage: deps.sh 'PACKAGES' 'COMMANDS' [CARGO_SUBCOMMAND...]
# Installs the Debian packages that are missing. Without apt-get, checks that the commands are there.
set -eu
packages=$1 commands=$2
shift 2
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

rust_version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")
rust_source="Rust $rust_version or later is needed: https://rustup.rs, or 'apt install cargo' on Debian 13 and later"
command -v cargo >/dev/null || fail "cargo is not there. $rust_source"
cargo_version=$(cargo --version | cut -d ' ' -f 2)
oldest=$(printf '%s\n' "$rust_version" "$cargo_version" | sort -V | head -n 1)
[ "$oldest" = "$rust_version" ] || fail "cargo is version $cargo_version. $rust_source"
for subcommand; do
    cargo "$subcommand" --version >/dev/null 2>&1 ||
        fail "cargo $subcommand is not there: rustup component add rustfmt clippy, or apt install rustfmt rust-clippy"
done

if command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; then
    missing=
    for package in $packages; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        [ "$status" = installed ] || missing="$missing $package"
    done
    [ -n "$missing" ] || exit 0
    line="apt-get update && apt-get install -y --no-install-recommends$missing"
    if [ "$(id -u)" = 0 ]; then
        as_root=
    elif command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; then
        as_root=sudo
    else
        fail 'Debian packages are missing, and installing them needs root. As root, run:' "    $line"
    fi
    echo "installing:$missing"
    $as_root apt-get -q update
    # shellcheck disable=SC2086 # a list of names
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing
else
    missing=
    for command in $commands; do
        command -v "$command" >/dev/null || missing="$missing $command"
    done
    [ -z "$missing" ] || fail "install the packages of this system that have:$missing"
fi
