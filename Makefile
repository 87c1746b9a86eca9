# What a person types: make run, make test. Everything is installed into .venv, at the versions in constraints.txt.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
BENCH_STAMP := $(VENV)/.installed-bench
DEMO   := build/demo
COMPILED := build/compiled
PORT   := 5300
ROOMS  := zonedata transport root resolver fingerpost bench tests

.PHONY: run test test-compiled lint format soak peers bench bench-peers compiled lock clean

run: $(STAMP)
	@rm -rf $(DEMO)
	@$(BIN)/fingerpost demo --dir $(DEMO) --port $(PORT)

test: $(STAMP) lint
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Long runs of properties and fuzzing.
soak: $(STAMP)
	HYPOTHESIS_PROFILE=soak $(BIN)/python -m pytest -n auto

# Programs of others that some tests talk to; without them those tests are skipped.
peers:
	@if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
		apt-get update -qq && \
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq bind9-dnsutils knot-dnsutils unbound dnsperf curl openssl \
			>/dev/null; \
	else echo "needs Debian's bind9-dnsutils, knot-dnsutils, unbound, dnsperf, curl and openssl; install them as root"; fi

# What our programs cost beside those of others; bench/README.md says how. ONLY=cached, or several words in quotes;
# QUICK=1 is a smoke run; ARGS has more options, such as '--rounds 3 --seconds 5'.
bench: $(BENCH_STAMP)
	$(BIN)/python -m bench $(ONLY) $(if $(QUICK),--quick) $(ARGS)

$(BENCH_STAMP): $(STAMP) constraints-bench.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints-bench.txt
	@touch $@

# The programs that `make bench` compares with. A policy keeps Debian from starting any of them, now and at the next
# start of the machine.
PEERS := unbound nsd knot bind9 pdns-recursor
POLICY := /usr/sbin/policy-rc.d
bench-peers:
	@if ! command -v apt-get >/dev/null || [ "$$(id -u)" != 0 ]; then \
		echo "needs Debian's $(PEERS), bind9-utils and dnsperf; install them as root"; exit 0; fi; \
	new=; for name in $(PEERS); do \
		dpkg-query -W -f '$${Status}' "$$name" 2>/dev/null | grep -q '^install ok installed' || new="$$new $$name"; done; \
	if [ ! -e $(POLICY) ]; then printf '#!/bin/sh\nexit 101\n' >$(POLICY); chmod 755 $(POLICY); \
		trap 'rm -f $(POLICY)' EXIT; fi; \
	apt-get update -qq && \
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $(PEERS) bind9-utils dnsperf >/dev/null && \
	if [ -d /run/systemd/system ]; then for name in $$new; do \
		systemctl disable --now "$$(echo "$$name" | sed s/^bind9$$/named/)" 2>/dev/null || true; done; fi

# The innermost loops compiled, beside the sources and not among them, where they would hide what is edited.
# To run with them: PYTHONSAFEPATH=1 PYTHONPATH=build/compiled .venv/bin/python -m fingerpost serve CONFIG
compiled: $(COMPILED)/.built

$(COMPILED)/.built: $(STAMP) setup.py $(shell find zonedata transport root resolver fingerpost -name '*.py')
	@rm -rf $(COMPILED) build/lib* build/temp* build/bdist*
	FINGERPOST_COMPILE=1 $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps \
		--no-build-isolation --target $(COMPILED) .
	@touch $@

# The tests of the rooms that have compiled modules, with these in place of the sources.
test-compiled: $(COMPILED)/.built
	FINGERPOST_TEST=compiled PYTHONSAFEPATH=1 PYTHONPATH=$(COMPILED):. $(BIN)/python -m pytest -n auto --dist worksteal \
		--import-mode=importlib -o pythonpath= -q \
		tests/zonedata tests/transport tests/root tests/resolver tests/fingerpost/test_serve.py tests/fingerpost/test_gate.py \
		tests/test_fast_paths.py tests/test_scenarios.py

# Renew the locked versions; needs uv.
lock:
	uv pip compile --universal --no-header --no-annotate --generate-hashes --upgrade \
		--extra dev -o constraints.txt pyproject.toml build-requirements.in
	uv pip compile --universal --no-header --no-annotate --generate-hashes --upgrade \
		--extra bench --constraint constraints.txt -o constraints-bench.txt pyproject.toml

clean:
	rm -rf $(VENV) build *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Fingerpost needs Python 3.11 or newer; say which with PYTHON=python3.x"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
