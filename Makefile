# Two commands on a fresh machine: `make demo` and `make test`. Each sets everything up by itself.
SHELL := /bin/sh
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SCENARIO ?= fixed
CASES ?= ../shared/bench/cases
RUNS ?= 2000
export PYTHONPATH := include:.

.DEFAULT_GOAL := help
.PHONY: help demo test test-fast chaos bench-analysis bench-deployers bench-security bench-stability bench-tests check format requirements clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

demo: $(VENV)/.ready ## run the whole workflow on a sample service (SCENARIO=fixed, tests-fail, …; APPROVE=ui waits for you)
	@$(BIN)/python -m demo $(SCENARIO)

test: $(VENV)/.ready-dev ## every test, the scenarios on a running Airflow included
	$(BIN)/python -m pytest -n 4 --dist loadgroup -m "not stack" $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m stack $(PYTEST_ARGS)

test-fast: $(VENV)/.ready-dev ## the tests that need neither a running Airflow nor the network
	$(BIN)/python -m pytest -n 4 --dist loadgroup -m "not stack and not network" $(PYTEST_ARGS)

chaos: $(VENV)/.ready-dev ## the whole workflow under faults (FAULTS="name …"), into docs/reliability.*
	@$(BIN)/python -m chaos --table docs/reliability.md $(if $(FAULTS),--only $(FAULTS))

bench-analysis: $(VENV)/.ready-dev ## root cause and minimal fix beside git bisect (CASES=folder, BENCH_REPOS=folder)
	$(BIN)/python -m bench.analysis $(CASES)

bench-deployers: $(VENV)/.ready-dev ## requests lost while deploying under load, into docs/benchmarks-deployers.md (needs haproxy)
	$(BIN)/python -m bench.deployers --table docs/benchmarks-deployers.md

bench-tests: $(VENV)/.ready-dev ## how well the tests of a change are chosen (CASES=folder, BENCH_REPOS=folder)
	$(BIN)/python -m bench.tests $(CASES)

bench-security: $(VENV)/.ready-dev ## how often the security review is right, and how fast (a few minutes)
	$(BIN)/python -m bench.security

bench-stability: $(VENV)/.ready-dev ## the judge of production on simulated traffic (RUNS a cell), into docs/benchmarks-stability.*
	$(BIN)/python -m bench.stability --runs $(RUNS) --json docs/benchmarks-stability.json --table docs/benchmarks-stability.md

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
