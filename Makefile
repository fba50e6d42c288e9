.POSIX:
.DELETE_ON_ERROR:
.PHONY: help demo test test-engines test-default lint format build release load load-agreement soak faults hostile tls-offers fuzz bench bench-micro allocations prerequisites install clean deb deb-check

PREFIX = /usr/local
RELEASE = .build/release/sluice
# What is off by default is in every debug build, so that one is never built over another; `make release` has the defaults.
TRAITS = --traits default,PostgreSQL
# Statically linked Swift: the binary runs where there is no toolchain.
RELEASE_FLAGS = -c release --static-swift-stdlib

help: ## this text
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/make \1\t\2/p' Makefile | expand -t 20

demo: release ## the main job on a real file: a cut connection, a killed gateway, and every byte there
	deploy/demo/run $(RELEASE)

# Debian's h2 is for Debian's own Python alone.
test: prerequisites lint ## everything that is tested at each change, in minutes
	swift build $(TRAITS) --build-tests
	swift test $(TRAITS) --disable-xctest --skip-build --no-parallel
	/usr/bin/python3 Tests/Soak/soak.py --sluice .build/debug/sluice --short
	/usr/bin/python3 Tests/HTTP/cases.py --sluice .build/debug/sluice
	/usr/bin/python3 Tests/HTTP/clients.py --sluice .build/debug/sluice
	/usr/bin/python3 Tests/Clients/imports.py
	/usr/bin/python3 Tests/Clients/example.py --sluice .build/debug/sluice
	/usr/bin/python3 Tests/Scenarios/scenarios.py --sluice .build/debug/sluice --jobs 2

# Debian's selenium is for Debian's own Python alone.
test-engines: prerequisites ## tests that need a browser: both pages against a gateway, in five minutes
	swift build $(TRAITS) --product sluice
	/usr/bin/python3 Tests/Page/page.py --sluice .build/debug/sluice --seconds 900
	/usr/bin/python3 Tests/Page/live.py --sluice .build/debug/sluice

# After the tests, in a minute and a half: what they were built with is there but for this package's own modules.
test-default: prerequisites ## the default build has to build, and to link nothing that is off by default
	swift build --product sluice
	! ldd .build/debug/sluice | grep libpq

lint: ## the formatting rules
	swift format lint --strict --recursive Package.swift Sources Tests

format: ## format all sources
	swift format --in-place --recursive Package.swift Sources Tests

build: prerequisites ## a debug build
	swift build $(TRAITS)

release: prerequisites ## .build/release/sluice
	swift build $(RELEASE_FLAGS) --product sluice

load: release ## eleven load scenarios against a gateway of their own; reports in .build/load/index.html
	deploy/load/run --sluice $(RELEASE)

load-agreement: release ## the load generator's own figures, held against tcpdump's packets and the kernel's counters
	deploy/load/agreement --sluice $(RELEASE)

soak: release ## five minutes in which everything fails; make soak SECONDS=900 REPORT=docs/reliability.md for the page
	python3 Tests/Soak/together.py --sluice $(RELEASE)
	/usr/bin/python3 Tests/Soak/pipecuts.py --sluice $(RELEASE)
	/usr/bin/python3 Tests/Soak/soak.py --sluice $(RELEASE) $(SOAK_SECONDS) $(SOAK_REPORT)

faults: release ## ten minutes: each system call of an upload fails, waits or kills, and the power of recorded disks is cut
	/usr/bin/python3 Tests/Faults/faults.py --sluice $(RELEASE) $(SOAK_SECONDS) $(SOAK_REPORT) $(FAULTS)

hostile: release ## fourteen minutes at most: honest uploads beside floods, drips, smugglers and crowds that do nothing keep their rate
	/usr/bin/python3 Tests/Hostile/hostile.py --sluice $(RELEASE)
	/usr/bin/python3 Tests/Hostile/crowd.py --sluice $(RELEASE)

tls-offers: release ## a minute: testssl.sh finds no weak offer
	/usr/bin/python3 Tests/Scenarios/scenarios.py --sluice $(RELEASE) tls_offers every_tls_offer

FAULTS =

SOAK_SECONDS = $(if $(filter command environment,$(firstword $(origin SECONDS))),--seconds $(SECONDS))
SOAK_REPORT = $(if $(REPORT),--report-markdown $(REPORT))

fuzz: prerequisites ## random input to parsers, machines and HTTP for two minutes and a half; make fuzz SECONDS=600 for more
	Tests/Fuzz/run.sh $(SECONDS)

SECONDS = 60

bench: release ## beside nginx, HAProxy and a C loop, in ten minutes; make bench BENCH="--runs 3" for options
	Tests/Benchmarks/prerequisites.sh
	Tests/Benchmarks/compare.py $(BENCH)

BENCH =

bench-micro: prerequisites ## parser, server machine, TLS session and gzip by themselves, in a minute
	Tests/Benchmarks/micro/run.sh

allocations: release ## allocations of each upload and each GiB, held against those that are committed
	Tests/Benchmarks/allocations --sluice $(RELEASE)

install: release ## binary, manual and completions into PREFIX, by default /usr/local
	install -D -s -m 0755 $(RELEASE) $(DESTDIR)$(PREFIX)/bin/sluice
	deploy/manual/pages --sluice $(RELEASE) --into $(DESTDIR)$(PREFIX)/share/man \
	  --shell-completions $(DESTDIR)$(PREFIX)/share

deb: release ## a Debian package in .build/deb; make deb-check installs it in a test root
	deploy/debian/prerequisites
	deploy/debian/build --sluice $(RELEASE) --into .build/deb

deb-check: deb ## the package in a root of its own: installed, started, upgraded, removed, in three minutes
	deploy/debian/check .build/deb

prerequisites:
	@deploy/prerequisites

clean: ## remove what was built
	rm -rf .build
