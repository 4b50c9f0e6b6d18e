# `make demo` runs the demo, `make test` the tests. Requires python3 (3.11 or newer), python3-venv and make; everything
# else is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin

# Number of parallel test workers; 0 runs all tests in this process. PostgreSQL tests are mostly CPU-bound.
WORKERS ?= 4
WORKERS_POSTGRES ?= 2

.PHONY: help setup demo test test-sqlite test-postgres lint bench chromium messages

help:
	@echo "make demo    start the portal and a Salesmsg sandbox on this machine (PORT, SANDBOX_PORT, DEMO_DIR, DEMO_PASSWORD)"
	@echo "make test    run all tests: SQLite, PostgreSQL, real processes, Chromium, lint"
	@echo "make lint    run style, imports and types"
	@echo "make bench   run the benchmarks"
	@echo "make messages   update the message catalogues from the sources (needs GNU gettext: apt-get install gettext)"
	@echo "make setup   create the virtual environment .venv"

setup: .venv/.runtime

.venv/.runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv || { echo "python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing the pinned packages into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements.txt
	@touch $@

.venv/.development: requirements-dev.txt .venv/.runtime
	@echo "Installing the test dependencies ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements-dev.txt
	@touch $@

demo: setup
	@exec $(BIN)/python -m salesmsg_portal.demo

# Both halves run even if the first one fails; each prints its own summary.
test: .venv/.development chromium
	@status=0; \
	$(MAKE) --no-print-directory test-postgres || status=1; \
	$(MAKE) --no-print-directory test-sqlite || status=1; \
	exit $$status

test-sqlite: .venv/.development
	@echo "== The suite on SQLite, with real processes and Chromium"
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not once or not database"

test-postgres: .venv/.development
	@echo "== Database tests on PostgreSQL"
	@$(BIN)/python -m tests.harness.postgres $(BIN)/python -m pytest -n $(WORKERS_POSTGRES) \
		-m "database and not browser and not processes"

chromium: .venv/.development
	@$(BIN)/python -m tests.harness.chromium

lint: .venv/.development
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/djlint --quiet --lint templates
	@$(BIN)/lint-imports --no-cache --no-logo
	@$(BIN)/mypy

.venv-bench/.installed: requirements-bench.txt requirements.txt requirements-dev.txt .venv/.runtime
	@echo "Installing the benchmark dependencies ..."
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements-bench.txt
	@touch $@

bench: .venv/.development .venv-bench/.installed
	@$(BIN)/python -m pytest tests/bench -o python_files='bench_*.py' --durations=0 -s -q

# Extracts texts from the sources to salesmsg_portal/locale/ and compiles them. New texts have no translation yet.
messages: .venv/.runtime
	@$(BIN)/python -m tests.languages
