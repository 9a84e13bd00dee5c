# Two commands on a fresh machine: `make demo` and `make test`. Each does its own set-up from Python >= 3.11 with pip.
#   make demo        sandbox world, archive, three searches with contact sheets
#   make test        the tests; `make test-slow` those that take longer
#   make lint        ruff, mypy, import contracts
#   make format      rewrite the code as the linter wants it
#   make bench NAME=search_recall   run benchmarks/search_recall.py and write its results
#   make tables      rewrite docs/results.md from the results
#   make web         build the page (Node >= 20) into src/swath/service/static/
#   make test-page   check the page's sources, and that its client and built files are made from what is there
#   make api         renew the types of the page's client from the service's OpenAPI document
#   make docs        build the documentation into site/
# Settings: PYTHON=/path/to/python (to make the environment), VENV=.venv, JOBS=2 (tests side by side),
#   ARGS="..." (to pytest or the benchmark).

SHELL := /bin/bash
export VENV ?= .venv
export PYTHON
BIN := $(VENV)/bin
JOBS ?= 2
# One thread a process: threads that wait for each other cost more than they bring.
TESTS = OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --dist loadfile

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow test-page lint format bench tables web api docs clean

help:
	@sed -n 's/^# \{0,1\}//;1,13p' Makefile

demo:
	@scripts/environment.sh
	@scripts/demo.sh

test:
	@scripts/environment.sh dev
	$(TESTS) $(ARGS)

test-slow:
	@scripts/environment.sh dev
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -m slow --timeout 1200 $(ARGS)

lint:
	@scripts/environment.sh dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format:
	@scripts/environment.sh dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench:
	@test -f "benchmarks/$(NAME).py" || { echo "usage: make bench NAME=..., one of:" $(sort $(basename $(notdir $(wildcard benchmarks/*.py)))) >&2; exit 2; }
	@scripts/environment.sh dev
	$(BIN)/python benchmarks/$(NAME).py $(ARGS)

tables:
	@scripts/environment.sh dev
	$(BIN)/python benchmarks/tables.py

# What npm installed is good for as long as the lock file is older than it.
web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	@command -v npm >/dev/null || { echo "error: the page's sources need Node >= 20 with npm; the built page does not" >&2; exit 1; }
	cd web && npm ci --no-progress
	@touch $@

web: web/node_modules/.package-lock.json
	cd web && npm run build

test-page: web/node_modules/.package-lock.json
	@scripts/environment.sh dev
	cd web && npm run check && npm test
	$(BIN)/python scripts/openapi.py | node web/scripts/api.mjs --check
	@built=$$(mktemp -d) && trap 'rm -rf "$$built"' EXIT && (cd web && npx vite build --outDir "$$built" --logLevel warn) && \
		diff -rq "$$built" src/swath/service/static || \
		{ echo "error: src/swath/service/static is not what web/ gives: run make web" >&2; exit 1; }

api: web/node_modules/.package-lock.json
	@scripts/environment.sh dev
	$(BIN)/python scripts/openapi.py | node web/scripts/api.mjs

docs:
	@scripts/environment.sh docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) demo site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
