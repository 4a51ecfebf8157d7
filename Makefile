# The commands of this repository. `make help` lists them.

DEMO_PACKAGES = gcc tcpdump nftables iptables iproute2 util-linux python3
# The programs that are tested with the library under them. Node and npm often come from elsewhere.
CLIENT_PACKAGES = dsniff tcpflow nfdump softflowd netdiag ruby ruby-pcaprub golang-go golang-github-google-gopacket-dev \
	python3-venv $(if $(shell command -v npm),,nodejs npm)
KERNEL_PACKAGES = g++ libpcap-dev pkg-config ebtables arptables valgrind procps libcap2-bin tshark ngrep python3-scapy \
	libnet-pcap-perl
SHELL_PACKAGES = bash-completion zsh fish
TEST_PACKAGES = $(DEMO_PACKAGES) $(KERNEL_PACKAGES) $(SHELL_PACKAGES) $(CLIENT_PACKAGES)
BENCH_PACKAGES = gcc libpcap-dev tcpdump nftables iproute2 util-linux python3

# The same as commands, for machines without apt-get.
DEMO_COMMANDS = cc tcpdump nft iptables ip6tables ip unshare python3
CLIENT_COMMANDS = urlsnarf tshark dumpcap ngrep tcpflow nfcapd nfpcapd nfdump softflowd perl ruby go node npm
TEST_COMMANDS = $(DEMO_COMMANDS) c++ pkg-config ebtables arptables valgrind ps setcap zsh fish $(CLIENT_COMMANDS)
BENCH_COMMANDS = cc tcpdump nft ip unshare python3

PREFIX = /usr/local
BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
DATADIR = $(PREFIX)/share
MANDIR = $(DATADIR)/man
DOCDIR = $(DATADIR)/doc/pcap-nflog
DESTDIR =

CARGO = cargo
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
BUILT = $(or $(CARGO_TARGET_DIR),target)/release
LIBRARY = $(BUILT)/libpcap_nflog.so
ARCHIVE = $(LIBRARY:.so=.a)
LAUNCHER = $(BUILT)/pcap-nflog

# Debian 13's armhf has a time_t of 64 bits on a 32-bit system, its libpcap, too. Rust's libc and the header are told.
TIME_BITS := $(shell printf '\043if __SIZEOF_POINTER__ == 4 && _TIME_BITS == 64\n64\n\043endif\n' | $(CC) -E -P - 2>/dev/null)
ifeq ($(TIME_BITS),64)
export RUSTFLAGS += --cfg=libc_unstable_gnu_time_bits="64"
SET_TIME_BITS = sed -i 's/^\#define PCAP_NFLOG_TIME_BITS 32$$/\#define PCAP_NFLOG_TIME_BITS 64/' '$(includedir)/pcap_nflog.h'
endif

# The linker's cache, but only if it covers LIBDIR and the files are really there. The drop-in folder never gets in.
REFRESH_LINKER = if [ -z '$(DESTDIR)' ] && PATH="$$PATH:/usr/sbin:/sbin" && \
	ldconfig -vN 2>/dev/null | grep -q '^$(LIBDIR):'; then ldconfig; fi

bindir = $(DESTDIR)$(BINDIR)
libdir = $(DESTDIR)$(LIBDIR)
includedir = $(DESTDIR)$(INCLUDEDIR)
mandir = $(DESTDIR)$(MANDIR)
docdir = $(DESTDIR)$(DOCDIR)
bash_completions = $(DESTDIR)$(DATADIR)/bash-completion/completions
zsh_completions = $(DESTDIR)$(DATADIR)/zsh/site-functions
fish_completions = $(DESTDIR)$(DATADIR)/fish/vendor_completions.d
EXAMPLES = $(wildcard examples/*.sh examples/*.py examples/*.rs examples/*.c)
# What the README shows.
RESULTS = $(wildcard benches/results/*)

.PHONY: all build demo test bench bench-smoke deps deps-bench deps-demo header man matrix install uninstall deb \
	test-package test-systems test-targets test-kernels deps-kernels clean help

all: build

build:
	$(CARGO) build --release

demo: deps-demo
	$(MAKE) build
	PCAP_NFLOG_LIB='$(LIBRARY)' sh examples/demo.sh

test: deps
	bash .ci/test.sh

bench: deps-bench
	$(MAKE) build
	$(CARGO) bench --bench '*'
	PCAP_NFLOG_LIB='$(LIBRARY)' python3 -B benches/system/run.py

bench-smoke: deps-bench
	$(MAKE) build
	$(CARGO) test --bench '*'
	PCAP_NFLOG_LIB='$(LIBRARY)' python3 -B benches/system/run.py --smoke

deps:
	@sh .ci/deps.sh '$(TEST_PACKAGES)' '$(TEST_COMMANDS)' fmt clippy

deps-bench:
	@sh .ci/deps.sh '$(BENCH_PACKAGES)' '$(BENCH_COMMANDS)'

deps-demo:
	@sh .ci/deps.sh '$(DEMO_PACKAGES)' '$(DEMO_COMMANDS)'

header:
	PCAP_NFLOG_UPDATE_HEADER=1 $(CARGO) build

man: header
	$(CARGO) run -p pcap-nflog-launcher --example generate

# The table of programs in the README, from what the tests have left.
matrix:
	$(CARGO) test -p pcap-nflog-launcher --test clients
	sh .ci/matrix.sh '$(TARGET)/tmp/matrix' README.md

# Without prerequisites: root installs what a user built, and cargo runs only if nothing was built.
$(LIBRARY) $(ARCHIVE) $(LAUNCHER):
	$(CARGO) build --release

install: $(LIBRARY) $(ARCHIVE) $(LAUNCHER)
	@for dir in '$(bindir)' '$(libdir)' '$(libdir)/pkgconfig' '$(libdir)/pcap-nflog' '$(includedir)' '$(mandir)/man1' \
		'$(mandir)/man3' '$(docdir)/examples' '$(docdir)/benches/results' '$(bash_completions)' '$(zsh_completions)' '$(fish_completions)'; do \
		{ mkdir -p "$$dir" && test -w "$$dir"; } 2>/dev/null || { \
			echo "cannot write to $$dir: run 'make install' as root, or choose another PREFIX" >&2; exit 1; }; \
	done
	install -m 755 '$(LAUNCHER)' '$(bindir)/pcap-nflog'
	install -m 755 '$(LIBRARY)' '$(libdir)/libpcap_nflog.so.$(VERSION)'
	ln -sf libpcap_nflog.so.$(VERSION) '$(libdir)/libpcap_nflog.so.0'
	ln -sf libpcap_nflog.so.0 '$(libdir)/libpcap_nflog.so'
	install -m 644 '$(ARCHIVE)' '$(libdir)/libpcap_nflog.a'
	for name in libpcap.so libpcap.so.0.8 libpcap.so.1; do \
		ln -sf ../libpcap_nflog.so.0 "$(libdir)/pcap-nflog/$$name" || exit 1; done
	install -m 644 include/pcap_nflog.h '$(includedir)/pcap_nflog.h'
	$(SET_TIME_BITS)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' pkgconfig/pcap_nflog.pc.in > '$(libdir)/pkgconfig/pcap_nflog.pc'
	install -m 644 man/pcap-nflog.1 '$(mandir)/man1/pcap-nflog.1'
	install -m 644 man/pcap_nflog.3 '$(mandir)/man3/pcap_nflog.3'
	install -m 644 launcher/completions/pcap-nflog.bash '$(bash_completions)/pcap-nflog'
	install -m 644 launcher/completions/pcap-nflog.zsh '$(zsh_completions)/_pcap-nflog'
	install -m 644 launcher/completions/pcap-nflog.fish '$(fish_completions)/pcap-nflog.fish'
	install -m 644 README.md CHANGELOG.md LICENSE-MIT LICENSE-APACHE '$(docdir)'
	install -m 644 $(EXAMPLES) '$(docdir)/examples'
	install -m 644 $(RESULTS) '$(docdir)/benches/results'
	@$(REFRESH_LINKER)

# Files, then the folders that are this project's own. Folders that install made and others may share stay.
uninstall:
	rm -f '$(bindir)/pcap-nflog'
	rm -f '$(libdir)/libpcap_nflog.so' '$(libdir)/libpcap_nflog.so.0' '$(libdir)/libpcap_nflog.so.$(VERSION)'
	rm -f '$(libdir)/libpcap_nflog.a'
	rm -f '$(libdir)/pcap-nflog/libpcap.so' '$(libdir)/pcap-nflog/libpcap.so.0.8' '$(libdir)/pcap-nflog/libpcap.so.1'
	rm -f '$(libdir)/pkgconfig/pcap_nflog.pc' '$(includedir)/pcap_nflog.h'
	rm -f '$(mandir)/man1/pcap-nflog.1' '$(mandir)/man3/pcap_nflog.3'
	rm -f '$(bash_completions)/pcap-nflog' '$(zsh_completions)/_pcap-nflog' '$(fish_completions)/pcap-nflog.fish'
	rm -f $(foreach file,$(notdir $(EXAMPLES)),'$(docdir)/examples/$(file)')
	rm -f $(foreach file,$(notdir $(RESULTS)),'$(docdir)/benches/results/$(file)')
	rm -f '$(docdir)/README.md' '$(docdir)/CHANGELOG.md' '$(docdir)/LICENSE-MIT' '$(docdir)/LICENSE-APACHE'
	for dir in '$(libdir)/pcap-nflog' '$(docdir)/examples' '$(docdir)/benches/results' '$(docdir)/benches' \
		'$(docdir)'; do \
		if test -d "$$dir"; then rmdir "$$dir" || exit 1; fi; done
	@$(REFRESH_LINKER)

# cargo-deb is a program of crates.io; it is installed into the build folder where it is missing.
CARGO_DEB_VERSION = 3.8.0
TARGET = $(or $(CARGO_TARGET_DIR),target)
CARGO_DEB = $(TARGET)/cargo-deb/bin/cargo-deb
DEB_ROOT = target/debian-root
DEB_LIBDIR = /usr/lib/$(shell $(CC) -print-multiarch)

$(CARGO_DEB):
	$(CARGO) install --quiet --locked --version $(CARGO_DEB_VERSION) --root '$(TARGET)/cargo-deb' cargo-deb

# What install puts into an empty folder is what the package has.
deb: build $(CARGO_DEB)
	rm -rf '$(DEB_ROOT)'
	umask 022; $(MAKE) install DESTDIR='$(CURDIR)/$(DEB_ROOT)' PREFIX=/usr LIBDIR='$(DEB_LIBDIR)'
	strip --strip-unneeded '$(DEB_ROOT)/usr/bin/pcap-nflog' '$(DEB_ROOT)$(DEB_LIBDIR)/libpcap_nflog.so.$(VERSION)'
	strip --strip-debug '$(DEB_ROOT)$(DEB_LIBDIR)/libpcap_nflog.a'
	gzip -9n '$(DEB_ROOT)'/usr/share/man/man*/*
	sh packaging/debian.sh prepare '$(DEB_ROOT)' '$(VERSION)'
	'$(CARGO_DEB)' --no-build --no-strip --output '$(TARGET)/debian/pcap-nflog.deb'
	sh packaging/debian.sh complete '$(TARGET)/debian/pcap-nflog.deb' '$(VERSION)'

test-package: deb
	@sh .ci/deps.sh lintian lintian
	bash .ci/test-package.sh '$(TARGET)/debian/pcap-nflog.deb'

# Debian systems of their own: see .ci/system.sh.
SYSTEMS = trixie bookworm
TARGETS = i386 armhf s390x

test-systems:
	@sh .ci/deps.sh 'mmdebstrap git' 'mmdebstrap git'
	bash .ci/test-systems.sh $(SYSTEMS)

test-targets:
	@sh .ci/deps.sh 'mmdebstrap git' 'mmdebstrap git'
	bash .ci/test-targets.sh '$(DEMO_PACKAGES) $(KERNEL_PACKAGES) $(SHELL_PACKAGES)' $(TARGETS)

# Suites of Debian: their kernels are tested. TESTS chooses tests by words of their names.
KERNELS = bookworm trixie testing
TESTS =
EMULATION_PACKAGES = $(filter-out $(CLIENT_PACKAGES),$(TEST_PACKAGES)) qemu-system-x86 busybox-static cpio kmod \
	debian-archive-keyring xz-utils zstd
EMULATION_COMMANDS = $(filter-out $(CLIENT_COMMANDS),$(TEST_COMMANDS)) qemu-system-x86_64 busybox cpio modprobe apt-get dpkg

test-kernels: deps-kernels
	TESTS='$(TESTS)' bash .ci/test-kernels.sh $(KERNELS)

deps-kernels:
	@sh .ci/deps.sh '$(EMULATION_PACKAGES)' '$(EMULATION_COMMANDS)'

clean:
	$(CARGO) clean

help:
	@echo 'make              build the library and the launcher (release)'
	@echo 'make demo         install what is missing, then watch tcpdump decode NFLOG packets, filtered'
	@echo 'make test         install what is missing, then run every check; the last line counts them'
	@echo 'make bench        install what is missing, measure (6 minutes), renew benches/results'
	@echo 'make bench-smoke  the same in short, to see that it works; nothing is written'
	@echo 'make deps         install only what demo and test need'
	@echo 'make install      everything, under PREFIX (/usr/local); also BINDIR, LIBDIR, INCLUDEDIR, DATADIR, DESTDIR'
	@echo 'make uninstall    remove exactly those'
	@echo 'make deb          build a Debian package; installs cargo-deb into the build folder first if it must'
	@echo 'make test-package build it, lint it, install it into a Debian system of its own, capture with it, and remove it'
	@echo 'make test-systems make demo and make test in fresh Debian systems (SYSTEMS=trixie bookworm); needs root'
	@echo 'make test-targets build and test for 32-bit and big-endian (TARGETS=i386 armhf s390x); needs root'
	@echo 'make test-kernels run the kernel and oracle tests on the kernels of Debian 12, 13 and testing, emulated; KERNELS, TESTS'
	@echo 'make header       generate include/pcap_nflog.h anew'
	@echo 'make man          generate the header, the man pages and the shell completions anew'
	@echo 'make matrix       run the programs of the README and write its table of them anew'
	@echo 'make clean        remove what was built'
