# Everything a newcomer needs: `make demo`, `make test`. Both create and reuse .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SERVER_VENV := .venv-server
PIP_FLAGS := --disable-pip-version-check --quiet

.PHONY: help demo test test-fast environments check format functions bench server clean

help:
	@echo "make demo    train two small models, tracked offline, and show what was kept"
	@echo "make test    run the tests, the ones against a real Polyaxon server included"
	@echo "make test-fast  only the unit tests that start no process: under a minute"
	@echo "make environments  only the tests that install axonlog anew (they are part of make test)"
	@echo "make check   format, lint, types, import contracts, dead code, the wheel in a clean environment"
	@echo "make bench   measure speed beside peers, each in an environment of its own (half an hour)"
	@echo "make functions  write the module functions for the methods of Run"
	@echo "make format  rewrite the code as the formatter wants it"
	@echo "make clean   remove what these commands made"

# A stamp file is newer than what it was made from; touching pyproject.toml makes the next run install again.
$(VENV)/.ready: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install $(PIP_FLAGS) --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install $(PIP_FLAGS) --constraint constraints.txt --editable . --group dev
	touch $@

# The real server has 150 dependencies of its own: it never shares an environment with axonlog.
$(SERVER_VENV)/.ready: tests/support/server-requirements.txt
	test -x $(SERVER_VENV)/bin/python || $(PYTHON) -m venv $(SERVER_VENV)
	$(SERVER_VENV)/bin/python -m pip install $(PIP_FLAGS) --requirement tests/support/server-requirements.txt
	touch $@

server: $(SERVER_VENV)/.ready

demo: $(VENV)/.ready
	$(BIN)/python examples/demo.py

test: $(VENV)/.ready $(SERVER_VENV)/.ready
	$(BIN)/python -m pytest --numprocesses 2 --dist loadgroup --cov --cov-report=term

test-fast: $(VENV)/.ready
	$(BIN)/python -m pytest tests/unit --numprocesses 2 -m "not process and not server"

environments: $(VENV)/.ready
	$(BIN)/python -m pytest -m environments

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	PYTHON=$(BIN)/python tests/support/check_wheel.sh

bench: $(VENV)/.ready $(SERVER_VENV)/.ready
	$(BIN)/python tests/benchmarks

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

functions: $(VENV)/.ready
	PYTHONPATH=tests $(BIN)/python tests/support/run_functions.py
	$(BIN)/ruff format --quiet core/axonlog/tracking/_run_functions.py

clean:
	rm -rf $(VENV) $(SERVER_VENV) build dist .cache .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .coverage
