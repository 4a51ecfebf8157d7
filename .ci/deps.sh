#!/bin/sh
# usage: deps.sh 'PACKAGES' 'COMMANDS' [CARGO_SUBCOMMAND...]
# Installs the Debian packages that are missing, Rust among them where no cargo is there and the system's is new enough.
# Without apt-get, checks that the commands are there.
set -eu
packages=$1 commands=$2
shift 2
PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

has_apt() { command -v apt-get >/dev/null && command -v dpkg-query >/dev/null; }

# Sets as_root to what runs a command as root, or says that $1 is missing, and what root has to run.
as_root=
become_root() {
    [ "$(id -u)" != 0 ] && [ -z "$as_root" ] || return 0
    { command -v sudo >/dev/null && { sudo -n true 2>/dev/null || [ -t 0 ]; }; } ||
        fail "$1 missing, and installing needs root. As root, run:" "    $2"
    as_root=sudo
}

updated=
update() {
    [ -n "$updated" ] || $as_root apt-get -q update
    updated=yes
}

# is_at_least WANTED VERSION
is_at_least() { [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]; }

rust_version=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "$0")/../Cargo.toml")
needed="Rust $rust_version or later is needed"

# rust_packages SUFFIX SUBCOMMAND...: the packages of Debian's Rust. Debian 12 has a second one, for its browsers.
rust_packages() {
    suffix=$1
    shift
    printf %s "cargo$suffix ca-certificates"
    for subcommand; do
        case $subcommand in
            fmt) printf %s " rustfmt$suffix" ;;
            clippy) printf %s " rust$suffix-clippy" ;;
        esac
    done
}

# Sets suffix to that of the packages of this system's Rust that is new enough.
find_rust() {
    for suffix in '' -web; do
        candidate=$(LC_ALL=C apt-cache policy "cargo$suffix" 2>/dev/null | sed -n 's/^ *Candidate: *//p')
        case $candidate in
            '' | '(none)') ;;
            *) ! is_at_least "$rust_version" "$candidate" || return 0 ;;
        esac
    done
    return 1
}

if command -v cargo >/dev/null; then
    cargo_version=$(cargo --version | cut -d ' ' -f 2)
    if ! is_at_least "$rust_version" "$cargo_version"; then
        # Others may use it: it is not replaced unasked.
        has_apt && find_rust &&
            fail "cargo is version $cargo_version. $needed: apt install $(rust_packages "$suffix" "$@")"
        fail "cargo is version $cargo_version. $needed: https://rustup.rs"
    fi
    lacking=
    for subcommand; do
        cargo "$subcommand" --version >/dev/null 2>&1 || lacking="$lacking $subcommand"
    done
    if [ -n "$lacking" ]; then
        # Debian's cargo can only be completed by packages of the same Rust, another one only by its own means.
        owner=
        ! has_apt || owner=$(dpkg-query -S "$(command -v cargo)" 2>/dev/null | cut -d : -f 1) || owner=
        case $owner in
            cargo | cargo-web) packages="$packages $(rust_packages "${owner#cargo}" "$@")" ;;
            *) fail "missing:$(printf ' cargo %s' $lacking). Add it to your Rust: rustup component add rustfmt clippy" ;;
        esac
    fi
elif has_apt; then
    find_rust || suffix=
    become_root 'cargo is' \
        "apt-get update && apt-get install -y --no-install-recommends $(rust_packages "$suffix" "$@") $packages"
    update
    find_rust || fail "cargo is not there, and this system's is too old. $needed: https://rustup.rs"
    packages="$(rust_packages "$suffix" "$@") $packages"
else
    fail "cargo is not there. $needed: https://rustup.rs"
fi

# Packages that not every release has (Debian 13 has no netdiag). The tests of what is in them are left out there, and said
# to be.
optional=' netdiag '

# Whether apt, which has lists, does not know a package.
is_unknown() { apt-cache show make >/dev/null 2>&1 && ! apt-cache show "$1" >/dev/null 2>&1; }

# Sets missing to those of the packages that are not installed, and can be.
find_missing() {
    missing=
    for package in $packages; do
        status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) || status=
        case $status$optional in
            installed*) continue ;;
            *" $package "*) ! is_unknown "$package" || continue ;;
        esac
        missing="$missing $package"
    done
}

if has_apt; then
    find_missing
    [ -n "$missing" ] || exit 0
    become_root 'Debian packages are' "apt-get update && apt-get install -y --no-install-recommends$missing"
    update
    find_missing
    [ -n "$missing" ] || exit 0
    echo "installing:$missing"
    # shellcheck disable=SC2086 # a list of names
    $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends $missing
else
    missing=
    for command in $commands; do
        command -v "$command" >/dev/null || missing="$missing $command"
    done
    [ -z "$missing" ] || fail "install the packages of this system that have:$missing"
fi
