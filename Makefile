# Needletail's commands; `make help` lists them.
SWIFT ?= swift
# Frame pointers cost the interpreter up to a fifth.
RELEASE = $(SWIFT) build -c release --omit-frame-pointers
GUESTS = Tests/Guests/.out
# QEMU 10 or newer, which setup-test fetches: what tests compare instructions with.
ORACLE = $(GUESTS)/programs/qemu-aarch64
# Debian's arm64 packages, unpacked, as guests see them.
SYSROOT ?= $(CURDIR)/$(GUESTS)/sysroot

# Neither tests nor measurements depend on what ran before; those of the code cache name a directory of their own.
export NEEDLETAIL_NO_CACHE = 1

.PHONY: install test-cache test-tsan static sysroot test-userland bench-guests bench-sysroots bench-plugins help setup setup-test build guests run test test-torture busybox bench bench-quick litmus soak fuzz fuzz-elf isa-check generate check-generated coverage format lint clean

help:
	@echo "make run          install what is missing, build, run the embedded guest with the insn plugin"
	@echo "make test         install what is missing, build, run all tests (under 15 minutes)"
	@echo "make build        build .build/release/needletail and the bundled plugins"
	@echo "make install      executable, plugins, header, Swift package for plugins and pkg-config file (PREFIX=/usr/local DESTDIR=)"
	@echo "make static       also .build/release/needletail-static: for binfmt_misc, chroots, containers; no plugins"
	@echo "make test-userland Debian's arm64 programs, with a table (make sysroot fetches them; USERLAND=\"--only git,node\")"
	@echo "make test-cache   all tests with a code cache, empty and then filled"
	@echo "make test-torture whole C programs in every compilation"
	@echo "make test-tsan    the plugin host on many threads under ThreadSanitizer"
	@echo "make litmus       Arm's memory model, ROUNDS=10000000 of each test in every tier (hours; ROUNDS=1000000 took 29 minutes on 2 busy cores)"
	@echo "make soak         redis, python and stress-ng under load for TIME=1800 seconds; memory must stay stable"
	@echo "make bench        speed against native and qemu-aarch64, about 15 minutes (make bench-quick: under 3; BENCH=\"--set micro --filter sort\")"
	@echo "make bench-plugins what plugins cost, against QEMU's"
	@echo "make fuzz         differential fuzzing against qemu-aarch64 (TIME=seconds SEED=n)"
	@echo "make fuzz-elf     the loader on damaged programs (TIME=seconds SEED=n)"
	@echo "make isa-check    every mnemonic in many forms and states against qemu-aarch64 (ISA=\"--only FCVT --forms 50\")"
	@echo "make generate     write the decoder from Sources/A64ISA/Encodings"
	@echo "make coverage     count implemented encodings"
	@echo "make format lint  format the sources, check their format"
	@echo "make clean        remove what was built"

setup:
	@.ci/setup
setup-test:
	@.ci/setup test

build: setup
	$(RELEASE)

static: build
	.ci/link-static

PREFIX = /usr/local
install: build
	.ci/install .build/release "$(DESTDIR)" "$(PREFIX)"

guests:
	@Tests/Guests/build.sh $(GUESTS)

run: build guests
	.build/release/needletail -plugin insn,inline=on -d plugin --stats $(GUESTS)/default

test: setup-test check-generated build guests
	$(RELEASE) --build-tests
	NEEDLETAIL=$(CURDIR)/.build/release/needletail GUESTS=$(CURDIR)/$(GUESTS) $(SWIFT) test -c release --skip-build
	Tests/Userland/fetch-sysroot.sh small $(SYSROOT)
	NEEDLETAIL=.build/release/needletail SYSROOT=$(SYSROOT) Tests/Userland/run.sh --set small
# About 350 MB of packages, kept; nothing to do when the list is unchanged.
sysroot: setup-test
	Tests/Userland/fetch-sysroot.sh large $(SYSROOT)
test-userland: build sysroot
	NEEDLETAIL=.build/release/needletail SYSROOT=$(SYSROOT) Tests/Userland/run.sh --set large $(USERLAND)
# All compilations of Tests/Torture; `make test` has two of each program.
test-torture: setup-test build guests
	$(RELEASE) --build-tests
	TORTURE=all NEEDLETAIL=$(CURDIR)/.build/release/needletail GUESTS=$(CURDIR)/$(GUESTS) $(SWIFT) test -c release --skip-build --filter TortureTests
# Every test with a code cache: an empty one first, then what the tests before left in it. Twice the time of `make test`.
test-cache: setup-test build guests
	$(RELEASE) --build-tests
	rm -rf .build/test-cache && mkdir -p .build/test-cache
	for state in cold warm; do TEST_CACHE_DIR=$(CURDIR)/.build/test-cache NEEDLETAIL=$(CURDIR)/.build/release/needletail \
		GUESTS=$(CURDIR)/$(GUESTS) $(SWIFT) test -c release --skip-build || exit 1; done
# Host parts of the plugin interface: eight threads, subscriptions that change, uninstalls. Two minutes, most of them for building.
test-tsan: setup-test
	TSAN=1 $(SWIFT) test --sanitize=thread --scratch-path .build/tsan --filter 'eventsOnManyThreads|EventTests|ScoreboardTests|InstrumentationTests|LoadingTests|RegisterAndMemoryTests'
# Debian's arm64 busybox, for a few real programs; the benchmark says so when it is missing.
busybox:
	-@Tests/Programs/fetch-busybox.sh $(GUESTS)/programs
bench-guests:
	@Benchmarks/Guests/build.sh $(GUESTS)/bench
	@Benchmarks/Plugins/build.sh $(GUESTS)/bench/plugins Sources/CPluginAPI/include
# About 160 MB of packages, kept.
bench-sysroots: setup-test
	PACKAGES=Benchmarks/Programs/packages Tests/Userland/fetch-sysroot.sh small $(GUESTS)/bench/sysroot
	PACKAGES=Benchmarks/Programs/packages Tests/Userland/fetch-sysroot.sh large $(GUESTS)/bench/sysroot-native $(shell dpkg --print-architecture)
BENCHMARKS = $(SWIFT) run -c release --package-path Benchmarks benchmarks --needletail .build/release/needletail --guests $(GUESTS) --out .build/bench
bench: setup-test build guests bench-guests bench-sysroots busybox
	$(BENCHMARKS) $(BENCH)
bench-quick: setup-test build guests bench-guests bench-sysroots
	$(BENCHMARKS) --quick $(BENCH)
bench-plugins: setup-test build guests bench-guests
	$(BENCHMARKS) --set plugins $(BENCH)

ROUNDS ?= 10000000
litmus: setup-test build
	Tests/Litmus/build.sh $(GUESTS)/programs
	Tests/Litmus/run.sh .build/release/needletail $(GUESTS)/programs/litmus $(ROUNDS)
# One emulator of each kind of load for TIME seconds; a machine with nothing else to do is best.
soak: TIME = 1800
soak: build sysroot
	Tests/Userland/soak.sh .build/release/needletail $(SYSROOT) $(TIME)

TIME ?= 60
SEED ?= 1
fuzz: setup-test build
	$(RELEASE) --product fuzz
	mkdir -p Tests/Cases/fuzz
	.build/release/fuzz --needletail .build/release/needletail --qemu $(ORACLE) --time $(TIME) --seed $(SEED) --keep Tests/Cases/fuzz
fuzz-elf: build guests
	$(RELEASE) --build-tests
	ELF_FUZZ_TIME=$(TIME) ELF_FUZZ_SEED=$(SEED) NEEDLETAIL=$(CURDIR)/.build/release/needletail GUESTS=$(CURDIR)/$(GUESTS) $(SWIFT) test -c release --skip-build --filter ELFFuzzTests
# Each mnemonic that LLVM knows, 16 forms from 6 states; about 4 minutes.
isa-check: setup-test build
	$(RELEASE) --product fuzz
	.build/release/fuzz isa-check --needletail .build/release/needletail --qemu $(ORACLE) --seed $(SEED) $(ISA)

generate:
	$(RELEASE) --product generate-a64
	.build/release/generate-a64 .
check-generated:
	$(RELEASE) --product generate-a64
	.build/release/generate-a64 --check .
coverage:
	$(RELEASE) --product generate-a64
	.build/release/generate-a64 --coverage .

format:
	$(SWIFT) format --in-place --recursive Package.swift Sources Tests
lint:
	$(SWIFT) format lint --strict --recursive Package.swift Sources Tests

clean:
	rm -rf .build $(GUESTS) Benchmarks/.build
