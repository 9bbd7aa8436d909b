# `make demo` and `make test` need Python ≥ 3.11, git and make; they set up all else in .venv, once.
# Another interpreter: make demo PYTHON=/path/to/python

PYTHON ?=
BIN := .venv/bin
HERE := $(shell echo "$$PWD $(PYTHON)" | cksum | cut -d' ' -f1)
# The stamps hold where the checkout lies and for which PYTHON: a .venv that was moved or copied does not work.
READY := .venv/ready-$(HERE)
READY_TO_DEVELOP := .venv/ready-to-develop-$(HERE)

.PHONY: help demo test quick lies check check-format lint types format set-up lock clean

help:                   ## this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

demo: $(READY)          ## repair the demo service; no key is needed
	@command -v anton >/dev/null || echo 'Here anton is $(BIN)/anton; to write just anton: . $(BIN)/activate'
	@$(BIN)/anton demo

test: $(READY_TO_DEVELOP)       ## all tests, on up to four cores
	$(BIN)/python -m pytest --numprocesses auto --maxprocesses 4 --dist worksteal

quick: $(READY_TO_DEVELOP)      ## the tests that take no more than two minutes in all
	$(BIN)/python -m pytest -m 'not slow' --numprocesses auto --maxprocesses 4 --dist worksteal

lies: $(READY_TO_DEVELOP)       ## play every lie and every honest run; writes docs/lies.md
	$(BIN)/python -m tests.lies docs/lies.md

check: check-format lint types test     ## format, lint, types and all tests: what CI runs

check-format: $(READY_TO_DEVELOP)
	$(BIN)/ruff format --check --quiet

lint: $(READY_TO_DEVELOP)
	$(BIN)/ruff check

types: $(READY_TO_DEVELOP)
	$(BIN)/mypy

format: $(READY_TO_DEVELOP)     ## format the code and mend what can be mended
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

set-up: $(READY_TO_DEVELOP)     ## .venv for developers, with nothing run

$(READY): requirements.lock pyproject.toml .ci/set-up
	@PYTHON='$(PYTHON)' .ci/set-up requirements.lock
	@touch $@

$(READY_TO_DEVELOP): requirements-dev.lock pyproject.toml .ci/set-up
	@PYTHON='$(PYTHON)' .ci/set-up requirements-dev.lock
	@touch $(READY) $@

# Hashes for Python 3.11 to 3.14, and no host's name: packages come from wherever the machine is set to look.
LOCK := UV_CUSTOM_COMPILE_COMMAND='make lock' uv pip compile --quiet --no-config --universal --python-version 3.11 --generate-hashes

lock:                   ## renew both locks from pyproject.toml (needs uv)
	$(LOCK) --group build pyproject.toml -o requirements.lock
	$(LOCK) --group build --group dev --constraint requirements.lock pyproject.toml -o requirements-dev.lock

clean:                  ## remove what was made here
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis
