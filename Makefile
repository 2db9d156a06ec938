# Everything a checkout needs. `make demo` and `make test` work on a machine with Python >= 3.11, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo test check fix definitions bench clean

help:
	@echo "make demo       a chat-like session on the embedded sandbox"
	@echo "make test       the tests"
	@echo "make check      lint, format, types and generated files"
	@echo "make fix        format, and mend what the linter can"
	@echo "make definitions  rewrite the tool definitions after a change of an operation"
	@echo "make bench      measure start, memory and calls"

$(VENV)/run: pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "capgo-mcp needs Python 3.11 or later")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) -e .
	@touch $@

$(VENV)/dev: $(VENV)/run
	$(PIP) -e '.[dev]'
	@touch $@

demo: $(VENV)/run
	@$(BIN)/capgo-mcp demo

test: $(VENV)/dev
	$(BIN)/pytest

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

fix: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

definitions: $(VENV)/run
	$(BIN)/python -m capgo_mcp.definitions

bench: $(VENV)/dev
	$(BIN)/python -m bench

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
