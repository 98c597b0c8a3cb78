# Everything a newcomer needs: `make demo` shows the product at work, `make test` proves it.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST = $(BIN)/python -m pytest --durations=10 --durations-min=1
STAMP  := $(VENV)/.installed
LOCKED_BY = $(PYTHON) make_setup.py $(VENV) compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header

.PHONY: setup demo test test-unit test-integration test-stack test-brokers test-deep test-oidc test-grafana check bench bench-full bundles chaos chaos-selftest simulate-alarms lock clean

setup: $(STAMP)

$(STAMP): requirements.lock pyproject.toml make_setup.py
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else f"loanstream needs Python >= 3.11, found {v.major}.{v.minor}; name another with: make PYTHON=/path/to/python")'
	@echo "installing the locked packages into $(VENV) (1.5 GB; less than a minute where the network is quick)"
	@$(PYTHON) make_setup.py $(VENV)
	@touch $@

demo: setup
	@$(BIN)/loanstream demo

test: setup
	@$(MAKE) --no-print-directory --jobs=2 --keep-going --output-sync=target test-unit test-integration

test-unit: setup
	@$(PYTEST) --ignore=tests/integration --ignore=tests/oidc

test-integration: setup
	@$(PYTEST) tests/integration

test-stack: setup
	@$(PYTEST) -m shared_stack tests/integration

test-brokers: setup
	@$(PYTEST) -m "not shared_stack" tests/integration

test-deep: setup
	@$(PYTEST) -m hypothesis --hypothesis-profile=deep --ignore=tests/integration --ignore=tests/oidc

test-oidc: setup
	@$(BIN)/python -m pytest tests/oidc

# PLUGIN=/path/to/gpx_clickhouse_linux_amd64 tries that executable besides; it needs Go.
test-grafana: setup
	@LOANSTREAM_GRAFANA_PLUGIN=$(PLUGIN) $(PYTEST) tests/dashboards/test_through_grafana.py tests/loanstream/stack/clickhouse/test_grafana_driver.py

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

bundles: setup
	@$(BIN)/python -m training.ship $(LOANSTREAM_DATA)/loan_approval_dataset.csv

chaos: setup
	@$(BIN)/python -m loanstream chaos --state .chaos/state
	@$(BIN)/python -m loanstream chaos --tokens --state .chaos/tokens

chaos-selftest: setup
	@$(BIN)/python -m loanstream chaos --selftest --state .chaos

simulate-alarms: setup
	@$(BIN)/python -m dashboards.alarms.simulate

lock: setup
	@$(LOCKED_BY) --all-extras --group dev --group build pyproject.toml --output-file requirements.lock
	@$(LOCKED_BY) --constraint requirements.lock --extra gateway pyproject.toml --output-file deploy/image/requirements.lock
	@$(LOCKED_BY) --constraint requirements.lock --group build --output-file deploy/image/build.lock
	@$(LOCKED_BY) loanstream/lab/rivals/requirements.in --output-file loanstream/lab/rivals/requirements.lock

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
