# Everything a newcomer needs: `make demo` shows the product at work, `make test` proves it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed

.PHONY: setup demo test test-unit check bench bench-full chaos chaos-selftest lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"loanstream needs Python >= 3.11, found {v.major}.{v.minor}; name another with: make PYTHON=/path/to/python")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages into $(VENV) (a few minutes the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@touch $@

demo: setup
	@$(BIN)/loanstream demo

test: setup
	@$(BIN)/python -m pytest

test-unit: setup
	@$(BIN)/python -m pytest --ignore=tests/integration

check: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/python -m loanstream.generate --check

bench: setup
	@$(BIN)/loanstream bench --json

bench-full: setup
	@$(BIN)/loanstream bench --full --json

chaos: setup
	@$(BIN)/python -m loanstream chaos --state .chaos/state

chaos-selftest: setup
	@$(BIN)/python -m loanstream chaos --selftest --state .chaos

lock:
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		--group dev --group build pyproject.toml --output-file requirements.lock
	@uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		loanstream/lab/rivals/requirements.in --output-file loanstream/lab/rivals/requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
