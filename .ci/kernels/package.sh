#!/usr/bin/env bash
# usage: package.sh SUITE FOLDER
# Fetches the kernel of a Debian suite (bookworm, trixie, testing) with apt and unpacks it into FOLDER. The last line of
# its output is where it is: the place has vmlinuz and lib/modules/VERSION. Nothing is installed, and no
# root is needed: apt works in FOLDER, with the machine's own entries for a suite that it has, and with the mirror of
# its own release for any other.
set -eu
suite=$1
mkdir -p "$2"
folder=$(realpath "$2")
PATH=$PATH:/usr/sbin:/sbin
keyring=/usr/share/keyrings/debian-archive-keyring.gpg

fail() {
    printf '%s\n' "$@" >&2
    exit 1
}

# The release of every repository that the machine has, and where it is.
repositories() {
    apt-get indextargets --format '$(RELEASE) $(REPO_URI) $(COMPONENT)' 'Created-By: Packages' 'Component: main'
}

. /etc/os-release
mirror=${DEBIAN_MIRROR:-$(repositories | awk -v own="${VERSION_CODENAME:-}" \
    '$1 ~ "^(" own "|oldstable|stable|testing|unstable|sid)$" && !found { print $2; found = 1 }')}
[ -n "$mirror" ] || fail "no Debian mirror is among apt's sources here: name one with DEBIAN_MIRROR=http://…/debian"
[ -e "$keyring" ] || fail "$keyring is not there: apt install debian-archive-keyring"

mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial"
{
    echo "$suite $mirror main"
    repositories | awk -v suite="$suite" '$1 == suite || index($1, suite "-") == 1'
} | awk -v keyring="$keyring" '!seen[$0]++ { print "deb [signed-by=" keyring "]", $2, $1, $3 }' >"$folder/sources.list"

here=(-o "Dir::Etc::SourceList=$folder/sources.list" -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$folder/lists"
    -o "Dir::Cache=$folder/cache" -o Acquire::Languages=none -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false
    -o APT::Sandbox::User=root)
# Without a network, what was there before will do.
apt-get "${here[@]}" -qq --error-on=any update >&2 || echo "cannot renew the list of $suite: taking the last" >&2

dependencies() {
    apt-cache "${here[@]}" depends "$1" | awk '$1 == "Depends:" { print $2 }'
}

kernel=$(dependencies linux-image-amd64 | grep -m 1 '^linux-image-[0-9]') ||
    fail "$suite has no kernel package (linux-image-amd64) at $mirror"
version=${kernel#linux-image-}
release=$(apt-cache "${here[@]}" show --no-all-versions "$kernel" | sed -n 's/^Version: //p')
place=$folder/$kernel=$release
if [ ! -e "$place" ]; then
    # One kernel of each suite is enough.
    rm -rf "$folder"/linux-image-* "$folder/new"
    mkdir "$folder/new"
    # Newer ones are in several packages of the same version.
    for package in "$kernel" $(dependencies "$kernel" | grep -e "-$version\$"); do
        (cd "$folder/new" && apt-get "${here[@]}" -qq download "$package" >&2)
    done
    for package in "$folder"/new/*.deb; do
        dpkg -x "$package" "$folder/new"
        rm "$package"
    done
    [ -e "$folder/new/lib/modules" ] || ln -s usr/lib "$folder/new/lib"
    depmod -b "$folder/new" "$version"
    cp "$folder/new/boot/vmlinuz-$version" "$folder/new/vmlinuz" 2>/dev/null ||
        cp "$folder/new/lib/modules/$version/vmlinuz" "$folder/new/vmlinuz" || fail "$kernel has no vmlinuz"
    mv "$folder/new" "$place"
fi
echo "$place"
