# Every target sets up what it needs, from a fresh clone with Python 3.11 or newer, git and make.
# The work is in scripts/; `make` alone lists the targets.

PYTHON ?= python3
RUN := .venv/bin/python
# -n 2: CI has two cores, and the crash suite measures time.
PYTEST := $(RUN) -m pytest -n 2
FAST := not slow and not agents and not data and not packages and not index and not browser and not soak

.DEFAULT_GOAL := help
.PHONY: help setup demo test check static bench docs soak lock format clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' Makefile

setup: ## create .venv from the lock, or do nothing when it matches
	@$(PYTHON) scripts/bootstrap.py

demo: setup ## scan a real package and say where the report is
	@$(RUN) scripts/demo.py

check: static ## format, lint, types, import contracts, fast tests; offline
	$(PYTEST) -m "$(FAST)" tests/unit tests/property tests/plugins tests/docs

test: static ## everything CI runs
	@$(RUN) scripts/agent_programs.py
	$(PYTEST) -m "not soak"

static: setup
	$(RUN) -m ruff format --check .
	$(RUN) -m ruff check .
	$(RUN) -m mypy
	.venv/bin/lint-imports --no-logo

bench: setup ## throughput, cost per task and start-up time, on this machine
	@$(RUN) -m bench.run

docs: setup ## check the documentation and build the site into build/docs
	$(PYTEST) tests/docs
	@$(PYTHON) scripts/bootstrap.py .venv-docs
	.venv-docs/bin/zensical build --clean

soak: setup ## what takes longer than `make test` may
	$(PYTEST) --hypothesis-profile=soak --timeout=0 tests/property tests/crash

lock: setup ## write the lock files anew; ARGS=--upgrade takes the newest versions
	@$(RUN) scripts/lock.py $(ARGS)

format: setup ## put the sources into the one format
	$(RUN) -m ruff check --fix-only --quiet .
	$(RUN) -m ruff format .

clean: ## remove the environments and everything that was built
	rm -rf .venv .venv-docs .venv.lock .venv-docs.lock .cache .mypy_cache .ruff_cache
	rm -rf .pytest_cache .hypothesis .import_linter_cache build dist demo-output
