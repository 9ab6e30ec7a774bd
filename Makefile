# Two commands for a fresh machine: `make run` shows an answer, `make test` runs the tests. Needs Python 3.11 or newer.
# `make all` adds what pictures (matplotlib) and clusters (Dask) need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
INSTALLED := $(VENV)/.installed
EXTRAS := $(VENV)/.extras
DEVELOPED := $(VENV)/.developed

.PHONY: run all test verification lint bench clean

run: $(INSTALLED)
	@echo "Running: $(BIN)/sim run scenarios/llama3-405b-16k.toml" >&2
	@$(BIN)/sim run scenarios/llama3-405b-16k.toml

all: $(EXTRAS)

test: $(DEVELOPED)
	$(BIN)/pytest -n 2

verification: $(DEVELOPED)
	$(BIN)/pytest -m verification

lint: $(DEVELOPED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(DEVELOPED)
	$(BIN)/python benchmarks/table.py

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("Lockstep needs Python 3.11 or newer, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..." >&2
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --upgrade "pip>=25.1"
	@echo "Installing Lockstep and the libraries that constraints.txt pins: 0.7 GB, a minute or more ..." >&2
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable .
	@touch $@

$(EXTRAS): $(INSTALLED)
	@echo "Installing matplotlib for pictures and Dask for clusters ..." >&2
	@$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[plot,hpc]"
	@touch $@

$(DEVELOPED): $(INSTALLED)
	@echo "Installing what tests and checks need ..." >&2
	@$(BIN)/pip install --quiet --constraint constraints.txt --group test --group lint
	@touch $@

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
