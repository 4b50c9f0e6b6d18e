# What a newcomer needs: `make demo` to try it, `make test` to check it. Needs python3 (3.11 or newer),
# python3-venv and make; everything else is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin

# How many tests run side by side; 0 runs them one after the other in this process. Those of PostgreSQL seldom wait.
WORKERS ?= 4
WORKERS_POSTGRES ?= 2

.PHONY: help setup demo test test-sqlite test-postgres lint bench chromium messages

help:
	@echo "make demo    start the portal with a stand-in Salesmsg on this machine (PORT, SANDBOX_PORT, DEMO_DIR, DEMO_PASSWORD)"
	@echo "make test    the whole suite: SQLite, PostgreSQL, real processes, Chromium, lint"
	@echo "make lint    only style, imports and types"
	@echo "make bench   the benchmarks"
	@echo "make messages   the catalogues of texts anew from the sources (needs GNU gettext: apt-get install gettext)"
	@echo "make setup   only the virtual environment .venv"

setup: .venv/.runtime

.venv/.runtime: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@$(PYTHON) -m venv .venv || { echo "python3-venv is missing: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing the pinned packages into .venv ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements.txt
	@touch $@

.venv/.development: requirements-dev.txt .venv/.runtime
	@echo "Installing what the tests need ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements-dev.txt
	@touch $@

demo: setup
	@exec $(BIN)/python -m salesmsg_portal.demo

# Each half ends with its own summary; both run even when the first one fails.
test: .venv/.development chromium
	@status=0; \
	$(MAKE) --no-print-directory test-postgres || status=1; \
	$(MAKE) --no-print-directory test-sqlite || status=1; \
	exit $$status

test-sqlite: .venv/.development
	@echo "== The suite on SQLite, with real processes and Chromium"
	@$(BIN)/python -m pytest -n $(WORKERS) -m "not once or not database"

test-postgres: .venv/.development
	@echo "== What the database decides, once more on PostgreSQL"
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
	@echo "Installing what the benchmarks compare with ..."
	@$(PYTHON) -m venv .venv-bench
	@.venv-bench/bin/python -m pip install --quiet --disable-pip-version-check --no-input -r requirements-bench.txt
	@touch $@

bench: .venv/.development .venv-bench/.installed
	@$(BIN)/python -m pytest tests/bench -o python_files='bench_*.py' --durations=0 -s -q

# Texts that people see: out of the sources into salesmsg_portal/locale/, then compiled. New ones stand there empty.
messages: .venv/.runtime
	@$(BIN)/python -m tests.languages
