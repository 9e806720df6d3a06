# p2p-peer: build, test, show, install. Each target sets up what it needs (.ci/setup) and says what it does.
#
#   make demo      four peers on this host do the main job
#   make demo-directory  a directory, and three peers that log in to it
#   make test      lint, build, all Swift tests, all tests of real processes
#   make build     release binaries in .build/release
#   make install   DESTDIR, PREFIX (/usr/local), SYSCONFDIR (/etc), UNITDIR, ZSHDIR
#   make deb       the Debian package, in .build/deb
#   make sanitize  the gRPC transport's Swift tests under AddressSanitizer and ThreadSanitizer
#   make test-fleet  the package on hosts that this machine boots (root); says "skipped" where it cannot
#   make test-overlay  the fleet's own code over a simulated network; SEEDS=1000 seeds a scenario from FIRST=1,
#                  SCENARIOS="crash-32 ..."; make test runs three seeds of the small ones
#   make bench     the figures of the README; make bench-fleet: the memory of twenty hosts
#   make bench-overlay  the simulated fleets' figures; ARGUMENTS="search speed" says which, --plots where the pictures go
#   make bench-directory  those of the directory; ARGUMENTS="--rows 10000000 sqlite" says which, and how large
#   make bench-attacks  what floods of the gRPC port cost other clients
#   make bench-transfer  `p2padm get` against rsync, curl and aria2c
#   make kill-transfers  downloads and uploads under 1000 kill -9 (KILLS=N); part of make test with fewer
#   make disk-faults  transfers while system calls fail, at the first to the 50th (FAULTS=N); part of make test with fewer
#   make hostile-names  500 names on every way in, 100,000 swapped links (NAMES=N SWAPS=N); part of make test with fewer
#   make bench-grpc   the gRPC transport against the stock one, nginx and grpcio; ARGUMENTS="one-stream memory" says which
#   make format | lint | clean | setup

PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
INSTALL ?= install
SWIFT ?= swift

# The Swift library inside the binary: a host that runs it needs no toolchain, and no library is looked for beside it.
RELEASE_FLAGS ?= -c release --static-swift-stdlib --disable-local-rpath
RELEASE = .build/release
DEBUG = .build/debug
VENV_PYTHON = .venv/bin/python
# promtool is here where .ci/setup had to unpack it.
TOOLS_PATH = $(CURDIR)/.build/tools/usr/bin

# Steps build on each other, and the compiler uses all cores by itself.
.NOTPARALLEL:
.PHONY: all build demo demo-directory test setup setup-build setup-demo setup-deb setup-test setup-bench setup-fleet lint \
	format build-tests test-swift test-processes test-overlay test-overlay-few sanitize test-fleet check-fleet install install-built deb bench \
	bench-directory bench-attacks bench-grpc bench-overlay bench-transfer kill-transfers disk-faults hostile-names \
	bench-fleet clean

all: build

build: setup-build
	@echo "build: release binaries, Swift library inside"
	$(SWIFT) build $(RELEASE_FLAGS) --product p2p-peer
	$(SWIFT) build $(RELEASE_FLAGS) --product p2padm

demo: setup-demo build
	PEER_BINARIES=$(CURDIR)/$(RELEASE) demo/demo.sh

demo-directory: setup-demo build
	PEER_BINARIES=$(CURDIR)/$(RELEASE) demo/directory.sh

test: setup-test lint build-tests test-swift test-overlay-few test-processes
	@echo "test: everything passed"

lint:
	@.ci/lint

build-tests:
	@echo "test: building the daemon and its tests"
	$(SWIFT) build --build-tests

# One at a time: side by side they take each other's two threads, and deadlines pass on a busy machine.
test-swift:
	@echo "test: Swift tests"
	VARLINK_TEST_PYTHON=$(CURDIR)/$(VENV_PYTHON) Tests/postgresql-server run \
		$(SWIFT) test --skip-build --disable-xctest --no-parallel

test-processes:
	@echo "test: real daemons, asked by clients that others wrote"
	PATH="$(TOOLS_PATH):$$PATH" PEER_BINARIES=$(CURDIR)/$(DEBUG) \
		$(VENV_PYTHON) -m pytest Tests/IntegrationTests

sanitize: setup-build
	Tests/sanitize address
	Tests/sanitize thread

bench: setup-test build
	PEER_BINARIES=$(CURDIR)/$(RELEASE) $(VENV_PYTHON) Benchmarks/bench.py

# A package of its own: the stock transport is nothing that the daemon needs.
bench-grpc: setup-test
	@.ci/setup bench
	$(SWIFT) build --package-path Benchmarks/grpc --scratch-path .build/bench-grpc -c release --static-swift-stdlib \
		--product grpc-bench
	$(VENV_PYTHON) Benchmarks/bench_grpc.py $(ARGUMENTS)

bench-directory: setup-test setup-bench build
	PEER_BINARIES=$(CURDIR)/$(RELEASE) $(VENV_PYTHON) Benchmarks/bench_directory.py $(ARGUMENTS)

bench-transfer: setup-test setup-bench build
	PEER_BINARIES=$(CURDIR)/$(RELEASE) $(VENV_PYTHON) Benchmarks/bench_transfer.py $(ARGUMENTS)

# P2P_SEED=N repeats a run.
kill-transfers: setup-test build
	P2P_KILLS=$${KILLS:-1000} PEER_BINARIES=$(CURDIR)/$(RELEASE) \
		$(VENV_PYTHON) -m pytest -s Tests/IntegrationTests/test_killed_transfers.py

disk-faults: setup-test build
	P2P_FAULTS=$${FAULTS:-50} PEER_BINARIES=$(CURDIR)/$(RELEASE) \
		$(VENV_PYTHON) -m pytest Tests/IntegrationTests/test_disk_faults.py

hostile-names: setup-test build
	P2P_NAMES=$${NAMES:-500} P2P_SWAPS=$${SWAPS:-100000} PEER_BINARIES=$(CURDIR)/$(RELEASE) \
		$(VENV_PYTHON) -m pytest -s Tests/IntegrationTests/test_hostile_names.py

bench-attacks: setup-test build
	PEER_BINARIES=$(CURDIR)/$(RELEASE) $(VENV_PYTHON) Benchmarks/bench_attacks.py $(ARGUMENTS)

# P2P_PEER_DEB=FILE tests a package that is there already; P2P_FLEET_HOSTS=N boots so many hosts.
FLEET_DEB = "$${P2P_PEER_DEB:-$$(ls -t .build/deb/p2p-peer_*.deb | head -n 1)}"

# FIRST=N takes other seeds; one that breaks an invariant is named, and `make test-overlay FIRST=SEED SEEDS=1` runs it.
test-overlay-few:
	$(MAKE) test-overlay SEEDS=3 \
		SCENARIOS="churn-64 cold-start-100 crash-32 loss-bug-16 partition-40 search-1k search-dead-300 search-lossy-300"

# overlay-sim is for this tree alone and is not installed.
test-overlay: setup-build
	@echo "test-overlay: seeded simulations, each seed named that breaks an invariant"
	$(SWIFT) build $(RELEASE_FLAGS) --product overlay-sim
	$(RELEASE)/overlay-sim check --seeds $${SEEDS:-10} --first $${FIRST:-1} $(SCENARIOS)

bench-overlay: setup-build
	$(SWIFT) build $(RELEASE_FLAGS) --product overlay-sim
	OVERLAY_SIM=$(CURDIR)/$(RELEASE)/overlay-sim python3 Benchmarks/bench_overlay.py $(ARGUMENTS)

test-fleet: check-fleet setup-fleet $(if $(P2P_PEER_DEB),,deb)
	@echo "test-fleet: the package on booted hosts"
	P2P_PEER_DEB=$(FLEET_DEB) Tests/fleet/run

# Before anything is built: whether hosts can be booted here at all.
check-fleet:
	@Tests/fleet/run --check

bench-fleet: check-fleet setup-fleet $(if $(P2P_PEER_DEB),,deb)
	P2P_PEER_DEB=$(FLEET_DEB) P2P_FLEET_HOSTS=$${P2P_FLEET_HOSTS:-20} \
		Tests/fleet/run bench_hosts.py

setup: setup-test

setup-build:
	@.ci/setup build

setup-demo:
	@.ci/setup demo

setup-deb:
	@.ci/setup deb

setup-fleet:
	@.ci/setup fleet
	@.ci/setup-python

setup-bench:
	@.ci/setup bench
	@.ci/setup-python .build/fastapi Benchmarks/requirements-fastapi.txt

setup-test:
	@.ci/setup test
	@.ci/setup-python

format:
	find Package.swift Sources Tests -name '*.swift' -not -path '*/Generated/*' -print0 | \
		xargs -0 $(SWIFT) format format --in-place --parallel

install: build install-built

# What `make build` left in RELEASE: debian/rules calls this, with products that were made elsewhere.
install-built:
	@DESTDIR="$(DESTDIR)" PREFIX="$(PREFIX)" SYSCONFDIR="$(SYSCONFDIR)" UNITDIR="$(UNITDIR)" \
		ZSHDIR="$(ZSHDIR)" RELEASE="$(RELEASE)" INSTALL="$(INSTALL)" packaging/install

deb: setup-deb build
	@packaging/build-deb

clean:
	rm -rf .build .venv
	find Tests Benchmarks \( -name __pycache__ -o -name .pytest_cache -o -name .hypothesis \) \
		-type d -prune -exec rm -rf {} +
