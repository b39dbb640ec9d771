# make run     Azure on this machine, and a tour of it: files dropped, rows landed
# make test    the whole suite
# Everything else: make help

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c

BIN := .venv/bin
MANIFEST := requirements.txt requirements-local.txt pyproject.toml
# Only from make's own command line: some shells export HOST, and mean the machine.
HOST_OPTION := $(if $(filter command,$(firstword $(origin HOST))),--host $(HOST))
export PYTHON PYTHON313

.PHONY: help run test check bench fuzz crash soak clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo '  make run ONCE=1          leave after the tour, with 0 if everything landed and adds up'
	@echo '  make run HOST=func       with Azure Functions Core Tools instead of the host in local/'
	@echo '  make crash SEED=7        the same campaign again; KILLS=100 a shorter one, JOBS=4 segments at once'
	@echo '  make soak SECONDS=60     a short one; KILLS=3 kills the host now and then'
	@echo '  make test ARGS="-k csv"  options for pytest'
	@echo '  make PYTHON=/path ...    the Python that .venv is made with (3.11 to 3.13)'

run: node_modules/.stamp .venv/.local ## set up, start local Azure, take the tour; Ctrl-C ends it
	@$(BIN)/python -m local.tour $(if $(ONCE),--once) $(HOST_OPTION)

test: node_modules/.stamp .venv/.dev ## set up and run the whole suite
	@scripts/test.sh -n $(or $(WORKERS),2) --dist loadfile $(ARGS)

check: .venv/.dev ## lint, format, types, the template, docs that follow from the code
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/python -m tests.infra --check
	@$(BIN)/python -m docs.generate --check
	@$(BIN)/python -m benchmarks.import_time --check

bench: node_modules/.stamp .venv/.dev ## measure
	@$(BIN)/python -m benchmarks $(ARGS)

fuzz: .venv/.dev ## hostile bytes through all formats, for SECONDS=600
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),600) $(ARGS)

crash: node_modules/.stamp .venv/.dev ## kill the host a thousand times, and count every record
	@$(BIN)/python -m tests.crash --kills $(or $(KILLS),1000) $(if $(SEED),--seed $(SEED)) $(if $(JOBS),--jobs $(JOBS)) $(ARGS)

soak: node_modules/.stamp .venv/.dev ## load and faults for SECONDS=1200, memory watched
	@$(BIN)/python -m tests.crash.soak --seconds $(or $(SECONDS),1200) $(if $(KILLS),--kills $(KILLS)) $(ARGS)

clean: ## remove what set-up, runs and tests have made
	@rm -rf .venv* node_modules .python_packages .logferry build dist *.egg-info
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Stamps: a second run finds them and starts at once.

.venv/.local: $(MANIFEST)
	@scripts/set-up.sh venv .venv requirements-local.txt
	@touch $@

.venv/.dev: $(MANIFEST) requirements-dev.txt
	@scripts/set-up.sh venv .venv requirements-dev.txt
	@touch .venv/.local $@

.venv313/.worker: $(MANIFEST) requirements-dev.txt requirements-worker.txt
	@scripts/set-up.sh venv .venv313 requirements-worker.txt 3.13
	@touch $@

node_modules/.stamp: package.json package-lock.json
	@scripts/set-up.sh node
	@touch $@
