# Two commands: `make start` runs the server, `make test` runs everything that proves it. `make help` lists the rest.
# Needs python3 >= 3.11 and make, nothing else. Options: PYTHON=python3.12, HOST, PORT, ARGS, JOBS, TESTS, EXAMPLES, MINUTES, TIMES, SEED.

PYTHON ?= python3
HOST ?= 127.0.0.1
PORT ?= 4200
ARGS ?=
# The tests wait about as much as they compute.
JOBS ?= $(shell expr $$(nproc 2>/dev/null || echo 2) + 2)
TESTS ?= tests
MATRIX = 3.0 3.2 3.4 3.6
EXAMPLES ?= 200
TIMES ?= 10
MINUTES ?= 10
SEED := $(or $(SEED),$(shell date +%s))

BIN := .venv/bin
PIP := -m pip --disable-pip-version-check --quiet --no-input
SOURCES = $(shell find podium -name '*.py')
export PIP_NO_WARN_SCRIPT_LOCATION = 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help start test lint format types fences wheel smoke bench bench-large bench-services bench-automations automation-model e2e e2e-matrix crash event-crash fuzz hostile lock clean soak retention concurrency scale worker-deaths chaos backup tour restarts

help:  ## list the targets
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z0-9-]+):.*## /\1\t/' | expand -t 15

start: .venv/.stamp-runtime .venv/.stamp-bytecode  ## run the server on SQLite at http://$(HOST):$(PORT)
	@exec $(BIN)/podium server start --host $(HOST) --port $(PORT) $(ARGS)

# Each process collects all tests, in half the time where their modules are compiled.
test: .venv/.stamp-dev .venv/.stamp-bytecode .venv-prefect/.stamp .venv-deploy/.stamp  ## run the whole suite (TESTS=tests/cli, JOBS=1, ARGS='-k word')
	env -u PYTHONDONTWRITEBYTECODE $(BIN)/python -m pytest -n $(JOBS) --dist worksteal $(TESTS) $(ARGS)

lint: .venv/.stamp-dev  ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: .venv/.stamp-dev  ## let ruff fix and format
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: .venv/.stamp-dev  ## mypy, strict
	$(BIN)/mypy

fences: .venv/.stamp-dev  ## who may import whom (import-linter)
	$(BIN)/lint-imports

wheel: .venv/.stamp-dev  ## build dist/podium-*.whl and the source archive
	@rm -rf dist
	$(BIN)/python -m build --outdir dist .

smoke: wheel  ## install the wheel in an empty environment and start its server
	$(PYTHON) .ci/smoke.py dist/podium-*.whl requirements.lock

bench: .venv/.stamp-dev .venv/.stamp-bytecode .venv-prefect/.stamp  ## measure Podium beside the incumbent (about 5 minutes)
	$(BIN)/python -m bench --url podium --against prefect --bare $(ARGS)

bench-large: .venv/.stamp-dev .venv/.stamp-bytecode  ## measure lists and counts on a million runs (the first time fills the databases)
	$(BIN)/python -m bench.large $(ARGS)

bench-services: .venv/.stamp-dev .venv/.stamp-bytecode .venv-prefect/.stamp  ## measure scheduler, idle server and polling workers (about 6 minutes)
	$(BIN)/python -m bench.services $(ARGS)

bench-automations: .venv/.stamp-dev .venv/.stamp-bytecode  ## measure what automations cost events and how soon they act (about 3 minutes)
	$(BIN)/python -m bench.automations $(ARGS)

automation-model: .venv/.stamp-dev  ## hold the trigger engine against its model over 10,000 random sequences, from SEED (about 5 minutes)
	@echo 'SEED=$(SEED)'
	PODIUM_TEST_SEQUENCES=10000 PODIUM_TEST_SEED=$(SEED) $(BIN)/python -m pytest -n $(JOBS) tests/server/automations/test_model.py $(ARGS)

e2e: .venv/.stamp-dev .venv/.stamp-bytecode .venv-prefect/.stamp  ## run the real client against the server, the slow tests too
	$(BIN)/python -m pytest -n $(JOBS) --dist worksteal -m '' tests/e2e $(ARGS)

e2e-matrix: .venv/.stamp-dev .venv/.stamp-bytecode .venv-prefect/.stamp $(MATRIX:%=.venv-prefect-%/.stamp)  ## run the basic journey with the clients 3.0 to 3.8
	$(BIN)/python -m pytest tests/e2e/matrix/journey.py $(ARGS)

scale: .venv/.stamp-dev  ## run one server as several processes: deaths, frozen loops, Redis away (about 2 minutes)
	$(BIN)/python -m pytest -m '' tests/scale $(ARGS)

worker-deaths: .venv/.stamp-dev .venv/.stamp-bytecode .venv-prefect/.stamp  ## kill real workers at every point of a run's life, TIMES=10 each, from SEED (about 15 minutes for each database)
	@echo 'SEED=$(SEED)'
	PODIUM_TEST_DEATHS=$(TIMES) PODIUM_TEST_SEED=$(SEED) $(BIN)/python -m pytest -s -m '' tests/e2e/test_worker_deaths.py $(ARGS)

restarts: .venv/.stamp-dev .venv/.stamp-bytecode  ## follow runs over ten restarts of the server, straight and through proxies, on both databases (about 10 minutes)
	$(BIN)/python -m pytest -n 0 -m '' tests/cli/test_restarts.py tests/cli/test_import.py $(ARGS)

tour: .venv/.stamp-dev .venv/.stamp-bytecode .venv-prefect/.stamp  ## type README's tour and an operator's tasks at terminals of tmux, completion in every shell (about 9 minutes)
	$(BIN)/python -m pytest -n 0 -m '' tests/cli/test_tour.py tests/cli/test_operator.py tests/cli/test_completion.py tests/tui/test_tasks.py $(ARGS)

chaos: .venv/.stamp-dev .venv/.stamp-bytecode  ## run what deploy/ describes for MINUTES=10 while its parts are killed, stopped and frozen, from SEED
	@echo 'SEED=$(SEED)'
	PODIUM_TEST_MINUTES=$(MINUTES) PODIUM_TEST_SEED=$(SEED) $(BIN)/python -m pytest -s -n 0 tests/chaos/test_chaos.py $(ARGS)

crash: .venv/.stamp-dev  ## kill -9 the server 20 times under 16 writers, on each database (about 4 minutes)
	PODIUM_TEST_KILLS=20 $(BIN)/python -m pytest tests/crash/test_kill.py $(ARGS)

event-crash: .venv/.stamp-dev  ## kill -9 the server every 2 seconds while 20,000 events stream in, on each database (about 4 minutes)
	PODIUM_TEST_EVENTS=20000 $(BIN)/python -m pytest -s tests/crash/test_events.py $(ARGS)

backup: .venv/.stamp-dev  ## back up 5 times under 16 writers and 20,000 runs, and restore into both databases (about 10 minutes)
	PODIUM_TEST_BACKUPS=5 PODIUM_TEST_BACKUP_RUNS=20000 $(BIN)/python -m pytest -s -n 0 tests/crash/test_backup.py $(ARGS)

fuzz: .venv/.stamp-dev  ## make up EXAMPLES=200 requests to every operation, on each database, from SEED
	@echo 'SEED=$(SEED)'
	PODIUM_TEST_EXAMPLES=$(EXAMPLES) PODIUM_TEST_SEED=$(SEED) $(BIN)/python -m pytest -n $(JOBS) --dist worksteal tests/contract/test_fuzz.py $(ARGS)

hostile: .venv/.stamp-dev  ## put odd values at every place of every body, on both databases (about 10 minutes)
	$(BIN)/python -m pytest -m '' tests/contract/test_hostile.py $(ARGS)

concurrency: .venv/.stamp-dev  ## kill clients and server under 40,000 operations on slots, on each database (about 10 minutes)
	PODIUM_TEST_CLIENTS=8 PODIUM_TEST_OPERATIONS=5000 $(BIN)/python -m pytest -s tests/concurrency $(ARGS)

soak: .venv/.stamp-dev .venv/.stamp-bytecode  ## watch the server's memory under 10 minutes of mixed load (ARGS='--minutes 60')
	$(BIN)/python -m bench.soak $(ARGS)

retention: MINUTES = 6
retention: .venv/.stamp-dev .venv/.stamp-bytecode  ## watch that databases stay as large as they are under 6 minutes of load, on both (MINUTES=6)
	$(BIN)/python -m bench.retention --minutes $(MINUTES) $(ARGS)

lock:  ## write the lock files again from pyproject.toml (needs uv)
	$(BIN)/python .ci/lock.py $(ARGS)

clean:  ## remove the environments, caches and builds
	rm -rf .venv .venv-deploy .venv-prefect .venv-prefect-* dist build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# Each environment is made once and again when its lock file changes.
.venv/.stamp-python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { echo 'Podium needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11' >&2; exit 2; }
	@$(PYTHON) -m venv .venv
	@touch $@

.venv/.stamp-runtime: .venv/.stamp-python requirements.lock pyproject.toml
	@echo 'Installing Podium into .venv (the first time takes a minute)' >&2
	@$(BIN)/python $(PIP) install --no-deps --require-hashes --requirement requirements.lock
	@$(BIN)/python $(PIP) install --no-deps --editable .
	@touch $@

.venv/.stamp-dev: .venv/.stamp-runtime requirements-dev.lock
	@echo 'Installing the development tools into .venv' >&2
	@$(BIN)/python $(PIP) install --no-deps --require-hashes --requirement requirements-dev.lock
	@touch $@

# A command starts three times faster from compiled modules, also where PYTHONDONTWRITEBYTECODE is set.
.venv/.stamp-bytecode: .venv/.stamp-runtime $(SOURCES)
	@$(BIN)/python -m compileall -q podium
	@touch $@

.venv-prefect/.stamp: requirements-prefect.lock
	@echo 'Installing the unmodified prefect client into .venv-prefect' >&2
	@$(PYTHON) -m venv .venv-prefect
	@.venv-prefect/bin/python $(PIP) install --no-deps --require-hashes --requirement requirements-prefect.lock
	@touch $@

.venv-deploy/.stamp: tests/deploy/tools.lock .ci/helm.py
	@echo 'Installing what checks the files of deploy/ into .venv-deploy' >&2
	@$(PYTHON) -m venv .venv-deploy
	@.venv-deploy/bin/python $(PIP) install --no-compile --no-deps --require-hashes --requirement $<
	@.venv-deploy/bin/python .ci/helm.py
	@touch $@

.venv-prefect-%/.stamp: tests/e2e/matrix/prefect-%.lock
	@echo 'Installing the unmodified prefect client $* into .venv-prefect-$*' >&2
	@$(PYTHON) -m venv .venv-prefect-$*
	@.venv-prefect-$*/bin/python $(PIP) install --no-deps --require-hashes --requirement $<
	@touch $@
