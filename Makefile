# What a person types: make run, make test. Everything is installed into .venv, at the versions in constraints.txt.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
DEMO   := build/demo
PORT   := 5300
ROOMS  := zonedata transport root resolver fingerpost tests

.PHONY: run test lint format soak peers lock clean

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
		DEBIAN_FRONTEND=noninteractive apt-get install -y -qq bind9-dnsutils knot-dnsutils unbound >/dev/null; \
	else echo "needs Debian's bind9-dnsutils, knot-dnsutils and unbound; install them as root"; fi

# Renew the locked versions; needs uv.
lock:
	uv pip compile --universal --no-header --no-annotate --generate-hashes --upgrade \
		--extra dev -o constraints.txt pyproject.toml build-requirements.in

clean:
	rm -rf $(VENV) build *.egg-info .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Fingerpost needs Python 3.11 or newer; say which with PYTHON=python3.x"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
