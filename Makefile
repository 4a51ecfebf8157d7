# The commands of this repository. `make help` lists them.

DEMO_PACKAGES = gcc tcpdump nftables iptables iproute2 util-linux python3
TEST_PACKAGES = $(DEMO_PACKAGES) g++ libpcap-dev pkg-config ebtables arptables valgrind tshark procps

# The same as commands, for machines without apt-get.
DEMO_COMMANDS = cc tcpdump nft iptables ip6tables ip unshare python3
TEST_COMMANDS = $(DEMO_COMMANDS) c++ pkg-config ebtables arptables valgrind tshark dumpcap ps

PREFIX = /usr/local
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
DESTDIR =

CARGO = cargo
VERSION := $(shell sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
LIBRARY = $(or $(CARGO_TARGET_DIR),target)/release/libpcap_nflog.so

# The linker's cache, but only if it covers LIBDIR and the files are really there. The drop-in folder never gets in.
REFRESH_LINKER = if [ -z '$(DESTDIR)' ] && PATH="$$PATH:/usr/sbin:/sbin" && \
	ldconfig -vN 2>/dev/null | grep -q '^$(LIBDIR):'; then ldconfig; fi

libdir = $(DESTDIR)$(LIBDIR)
includedir = $(DESTDIR)$(INCLUDEDIR)

.PHONY: all build demo test deps deps-demo header install uninstall clean help

all: build

build:
	$(CARGO) build --release

demo: deps-demo
	$(MAKE) build
	PCAP_NFLOG_LIB='$(LIBRARY)' sh examples/demo.sh

test: deps
	bash .ci/test.sh

deps:
	@sh .ci/deps.sh '$(TEST_PACKAGES)' '$(TEST_COMMANDS)' fmt clippy

deps-demo:
	@sh .ci/deps.sh '$(DEMO_PACKAGES)' '$(DEMO_COMMANDS)'

header:
	PCAP_NFLOG_UPDATE_HEADER=1 $(CARGO) build

# Without prerequisites: root installs what a user built, and cargo runs only if nothing was built.
$(LIBRARY):
	$(CARGO) build --release

install: $(LIBRARY)
	@for dir in '$(libdir)' '$(libdir)/pkgconfig' '$(libdir)/pcap-nflog' '$(includedir)'; do \
		{ mkdir -p "$$dir" && test -w "$$dir"; } 2>/dev/null || { \
			echo "cannot write to $$dir: run 'make install' as root, or choose another PREFIX" >&2; exit 1; }; \
	done
	install -m 755 '$(LIBRARY)' '$(libdir)/libpcap_nflog.so.$(VERSION)'
	ln -sf libpcap_nflog.so.$(VERSION) '$(libdir)/libpcap_nflog.so.0'
	ln -sf libpcap_nflog.so.0 '$(libdir)/libpcap_nflog.so'
	for name in libpcap.so libpcap.so.0.8 libpcap.so.1; do \
		ln -sf ../libpcap_nflog.so.0 "$(libdir)/pcap-nflog/$$name" || exit 1; done
	install -m 644 include/pcap_nflog.h '$(includedir)/pcap_nflog.h'
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' pkgconfig/pcap_nflog.pc.in > '$(libdir)/pkgconfig/pcap_nflog.pc'
	@$(REFRESH_LINKER)

uninstall:
	rm -f '$(libdir)/libpcap_nflog.so' '$(libdir)/libpcap_nflog.so.0' '$(libdir)/libpcap_nflog.so.$(VERSION)'
	rm -f '$(libdir)/pcap-nflog/libpcap.so' '$(libdir)/pcap-nflog/libpcap.so.0.8' '$(libdir)/pcap-nflog/libpcap.so.1'
	rm -f '$(libdir)/pkgconfig/pcap_nflog.pc' '$(includedir)/pcap_nflog.h'
	if test -d '$(libdir)/pcap-nflog'; then rmdir '$(libdir)/pcap-nflog'; fi
	@$(REFRESH_LINKER)

clean:
	$(CARGO) clean

help:
	@echo 'make              build the library (release)'
	@echo 'make demo         install what is missing, then watch tcpdump decode NFLOG packets, filtered'
	@echo 'make test         install what is missing, then run every check; the last line counts them'
	@echo 'make deps         install only what demo and test need'
	@echo 'make install      library, header, pkg-config file and drop-in folder; PREFIX, LIBDIR, INCLUDEDIR, DESTDIR'
	@echo 'make uninstall    remove exactly those'
	@echo 'make header       generate include/pcap_nflog.h anew'
	@echo 'make clean        remove what was built'
