# Two commands on a fresh machine: `make demo` and `make test`. Each does its own set-up from Python >= 3.11 with pip.
#   make demo        sandbox world, archive, three searches with contact sheets
#   make test        the tests; `make test-slow` those that take longer
#   make lint        ruff, mypy, import contracts
#   make format      rewrite the code as the linter wants it
#   make bench NAME=search_recall   run benchmarks/search_recall.py and write its results
#   make tables      rewrite docs/results.md from the results
#   make web         build the page (Node >= 20) into src/swath/service/static/
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
.PHONY: help demo test test-slow lint format bench tables web docs clean

help:
	@sed -n 's/^# \{0,1\}//;1,11p' Makefile

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

web:
	cd web && npm ci && npm run check && npm run build && npm test

docs:
	@scripts/environment.sh docs
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

clean:
	rm -rf $(VENV) demo site build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
