# Everything a developer or CI does. A fresh machine needs python3 >= 3.11 (with venv), make and a package index.
# Stamps in .venv/ make a second run cheap; delete .venv (make clean) to begin anew.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# System certificates, for machines whose network has its own authority; pip's and uv's own settings still apply.
UV = $(BIN)/uv --system-certs --no-progress $(NO_CACHE)
# An account without a home of its own has no place for a cache.
NO_CACHE = $(shell $(BIN)/python -c 'import os; print("" if os.access(os.path.expanduser("~"), os.W_OK) else "--no-cache")')
# Compiled on installing: the first answer is as quick as the next, also where Python may not write bytecode.
INSTALL = $(UV) pip install --quiet --compile-bytecode --python $(BIN)/python
COMPILE = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate
SAMPLE := sample.db

.DEFAULT_GOAL := help
.PHONY: help setup run serve test check contract bench lock clean
.DELETE_ON_ERROR:

help: ## Say what there is to do
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | awk -F'|' '{ printf "%-16s%s\n", $$1, $$2 }'

setup: $(VENV)/.run ## Install the project and what it runs on into .venv
	@echo "Ready: $(BIN)/dealtrail --help"

run: $(VENV)/.run ## Load a small history into a new database and show what dealtrail makes of it
	@$(BIN)/dealtrail sample --to $(SAMPLE)

serve: $(VENV)/.run ## Serve that database, or DEALTRAIL_DB, on this machine (ARGS= goes to dealtrail serve)
	@$(if $(DEALTRAIL_DB),,test -e $(SAMPLE) || $(BIN)/dealtrail sample --to $(SAMPLE) > /dev/null)
	@$(BIN)/dealtrail serve --first-key $(if $(DEALTRAIL_DB),,--db $(SAMPLE)) $(ARGS)

test: $(VENV)/.test ## Run all tests, on SQLite and on a PostgreSQL of their own (ARGS= goes to pytest)
	@$(BIN)/python -m pytest -n auto $(ARGS)

check: $(VENV)/.test ## What CI runs: format, lint, types, import contracts, then make test
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(MAKE) --no-print-directory test

contract: $(VENV)/.test ## Hold the service against its OpenAPI document, all phases (ARGS= examples an operation)
	@$(BIN)/python -m tests.service.http.contract $(ARGS)

bench: $(VENV)/.test ## Measure, each figure beside what the machine could do at best
	@$(BIN)/python -m benchmarks $(ARGS)

lock: $(VENV)/.uv ## Renew requirements/*.lock (hashes, no addresses); UPGRADE=1 takes newer versions
	@$(COMPILE) $(if $(UPGRADE),--upgrade) requirements/bootstrap.in --output-file requirements/bootstrap.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml requirements/build.in --extra telemetry \
		--output-file requirements/run.lock
	@$(COMPILE) $(if $(UPGRADE),--upgrade) pyproject.toml requirements/build.in --extra test \
		--constraint requirements/run.lock --output-file requirements/test.lock

clean: ## Remove .venv, caches and the sample database
	@rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@rm -f $(SAMPLE) $(SAMPLE)-wal $(SAMPLE)-shm

$(VENV)/.uv: requirements/bootstrap.lock
	@$(PYTHON) -c 'import sys; sys.exit("dealtrail needs Python 3.11 or newer and this is %s: make PYTHON=python3.12 names another" % sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "Setting up $(VENV) (half a minute, once) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements/bootstrap.lock
	@touch $@

$(VENV)/.run: $(VENV)/.uv requirements/run.lock pyproject.toml
	@$(INSTALL) --require-hashes --requirement requirements/run.lock
	@$(INSTALL) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m compileall -q engine service replay
	@touch $@

$(VENV)/.test: $(VENV)/.run requirements/test.lock
	@$(INSTALL) --require-hashes --requirement requirements/test.lock
	@touch $@
