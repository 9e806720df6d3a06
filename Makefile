# p2p-peer: build, test, show, install. Each target sets up what it needs (.ci/setup) and says what it does.
#
#   make demo      four peers on this host do the main job
#   make test      lint, build, all Swift tests, all tests of real processes
#   make build     release binaries in .build/release
#   make install   DESTDIR, PREFIX (/usr/local), SYSCONFDIR (/etc)
#   make bench     the figures of the README
#   make format | lint | clean | setup

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
SBINDIR = $(DESTDIR)$(PREFIX)/sbin
BINDIR = $(DESTDIR)$(PREFIX)/bin
DATADIR = $(DESTDIR)$(PREFIX)/share
INSTALL ?= install
SWIFT ?= swift

# The Swift library inside the binary: a host that runs it needs no toolchain.
RELEASE_FLAGS ?= -c release --static-swift-stdlib
RELEASE = .build/release
DEBUG = .build/debug
VENV_PYTHON = .venv/bin/python
# promtool is here where .ci/setup had to unpack it.
TOOLS_PATH = $(CURDIR)/.build/tools/usr/bin

# Steps build on each other, and the compiler uses all cores by itself.
.NOTPARALLEL:
.PHONY: all build demo test setup setup-build setup-demo setup-test lint format \
	build-tests test-swift test-processes install bench clean

all: build

build: setup-build
	@echo "build: release binaries, Swift library inside"
	$(SWIFT) build $(RELEASE_FLAGS) --product p2p-peer
	$(SWIFT) build $(RELEASE_FLAGS) --product p2padm

demo: setup-demo build
	PEER_BINARIES=$(CURDIR)/$(RELEASE) demo/demo.sh

test: setup-test lint build-tests test-swift test-processes
	@echo "test: everything passed"

lint:
	@.ci/lint

build-tests:
	@echo "test: building the daemon and its tests"
	$(SWIFT) build --build-tests

test-swift:
	@echo "test: Swift tests"
	VARLINK_TEST_PYTHON=$(CURDIR)/$(VENV_PYTHON) $(SWIFT) test --skip-build --disable-xctest

test-processes:
	@echo "test: real daemons, asked by clients that others wrote"
	PATH="$(TOOLS_PATH):$$PATH" PEER_BINARIES=$(CURDIR)/$(DEBUG) \
		$(VENV_PYTHON) -m pytest Tests/IntegrationTests

bench: setup-test build
	PEER_BINARIES=$(CURDIR)/$(RELEASE) $(VENV_PYTHON) Benchmarks/bench.py

setup: setup-test

setup-build:
	@.ci/setup build

setup-demo:
	@.ci/setup demo

setup-test:
	@.ci/setup test
	@.ci/setup-python

format:
	find Package.swift Sources Tests -name '*.swift' -not -path '*/Generated/*' -print0 | \
		xargs -0 $(SWIFT) format format --in-place --parallel

# An administrator's peer.json stays.
install: build
	$(INSTALL) -d $(SBINDIR) $(BINDIR) $(DESTDIR)$(SYSCONFDIR)/p2p-peer \
		$(DATADIR)/bash-completion/completions $(DATADIR)/zsh/site-functions \
		$(DATADIR)/fish/vendor_completions.d
	$(INSTALL) -s -m 0755 $(RELEASE)/p2p-peer $(SBINDIR)/p2p-peer
	$(INSTALL) -s -m 0755 $(RELEASE)/p2padm $(BINDIR)/p2padm
	test -e $(DESTDIR)$(SYSCONFDIR)/p2p-peer/peer.json || \
		$(INSTALL) -m 0644 etc/p2p-peer/peer.json $(DESTDIR)$(SYSCONFDIR)/p2p-peer/peer.json
	$(RELEASE)/p2padm --generate-completion-script bash \
		> $(DATADIR)/bash-completion/completions/p2padm
	$(RELEASE)/p2padm --generate-completion-script zsh > $(DATADIR)/zsh/site-functions/_p2padm
	$(RELEASE)/p2padm --generate-completion-script fish \
		> $(DATADIR)/fish/vendor_completions.d/p2padm.fish

clean:
	rm -rf .build .venv
	find Tests Benchmarks \( -name __pycache__ -o -name .pytest_cache -o -name .hypothesis \) \
		-type d -prune -exec rm -rf {} +
