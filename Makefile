# Two commands on a fresh machine: `make demo` and `make test`. Each sets everything up by itself.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SCENARIO ?= fixed
export PYTHONPATH := include:.

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast check format requirements clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/.ready ## run the whole workflow on a sample service (SCENARIO=fixed, tests-fail, …; APPROVE=ui waits for you)
	@$(BIN)/python -m demo $(SCENARIO)

test: $(VENV)/.ready-dev ## every test, the scenarios on a running Airflow included
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not stack" $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m stack $(PYTEST_ARGS)

test-fast: $(VENV)/.ready-dev ## the tests that need neither a running Airflow nor the network
	$(BIN)/python -m pytest -n 2 --dist loadgroup -m "not stack and not network" $(PYTEST_ARGS)

check: $(VENV)/.ready-dev ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.ready-dev ## put the code in shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

requirements: $(VENV)/.ready-dev ## refresh requirements*.txt from requirements*.in
	tools/refresh-requirements $(BIN)/python

clean: ## remove what the targets made
	rm -rf $(VENV) .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache

$(VENV)/.ready: requirements.txt
	@tools/make-venv $(PYTHON) $(VENV) requirements.txt
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt requirements.txt
	@tools/make-venv $(PYTHON) $(VENV) requirements-dev.txt
	@touch $@ $(VENV)/.ready
