#!/bin/sh
# usage: debian.sh prepare ROOT VERSION      what Debian wants under /usr/share, into the folder that is packed
#        debian.sh complete PACKAGE VERSION  what cargo-deb has no word for, into the package
set -eu
here=$(dirname "$0")
what=$1 where=$2 version=$3

case $what in
prepare)
    doc=$where/usr/share/doc/pcap-nflog
    mv "$doc/CHANGELOG.md" "$doc/changelog"
    cat >"$doc/changelog.Debian" <<END
pcap-nflog ($version-1) unstable; urgency=medium

  * Built from the sources of $version; see changelog.gz.

 -- The pcap-nflog authors <pcap-nflog@localhost>  $(LC_ALL=C date -u -R -r "$here/../CHANGELOG.md")
END
    gzip -9n "$doc/changelog" "$doc/changelog.Debian"
    chmod 644 "$doc"/changelog*
    mkdir -p "$where/usr/share/lintian/overrides"
    install -m 644 "$here/lintian-overrides" "$where/usr/share/lintian/overrides/pcap-nflog"
    echo 'activate-noawait ldconfig' >"$where/triggers"
    ;;
complete)
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    dpkg-deb -R "$where" "$folder/root"
    # For packages whose programs are linked with the library: dpkg-shlibdeps reads it.
    echo "libpcap_nflog 0 pcap-nflog (>= $version)" >"$folder/root/DEBIAN/shlibs"
    # cargo-deb writes one of its own.
    install -m 644 "$here/copyright" "$folder/root/usr/share/doc/pcap-nflog/copyright"
    (cd "$folder/root" && find usr -type f -exec md5sum {} + >DEBIAN/md5sums)
    chmod 644 "$folder/root/DEBIAN/shlibs" "$folder/root/DEBIAN/md5sums"
    dpkg-deb --root-owner-group -b "$folder/root" "$where" >/dev/null
    ;;
esac
