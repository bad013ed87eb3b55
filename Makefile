# make demo    the tables against a simulated cluster, no Kubernetes needed
# make test    the tests that need no cluster (under 2 minutes)
# make oldest  the tests of what talks through the kubernetes package, with the oldest version that is supported
# make check   formatting, lint, types, and the rule which layer may import which
# make docs    docs/checks.md, from the checks
# make e2e     the tests against a real cluster: the project's own, or the one that E2E_KUBECONFIG names
# make cluster-up | cluster-down | cluster-status
#
# Each of them makes the virtual environment if there is none yet, and brings it up to date when setup.cfg has changed.

PYTHON ?= python3
PYTEST_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OLDEST := .venv-oldest
CLUSTER := tests/e2e/cluster/cluster
PURE := kubectl_metrics/wire/*,kubectl_metrics/usage/*

.DEFAULT_GOAL := help
.PHONY: help venv demo test oldest check format docs e2e cluster-up cluster-down cluster-status constraints clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

venv: $(STAMP)

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
		{ echo "no virtual environment without Python's venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev,socks]'
	@touch $@

demo: $(STAMP)
	@$(BIN)/python tests/demo.py

test: $(STAMP)
ifeq ($(PYTEST_ARGS),)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q tests/wire tests/usage
	@$(BIN)/coverage report --include='$(PURE)' --fail-under=100 || \
		{ echo 'wire/ and usage/ are pure functions: every line and branch of them has a test' >&2; exit 1; }
	$(BIN)/python -m pytest -q --numprocesses 3 --ignore tests/wire --ignore tests/usage
else
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)
endif

oldest: $(OLDEST)/.installed
	$(OLDEST)/bin/python -m pytest -q --numprocesses 3 tests/connection/test_generated.py \
		tests/connection/test_credentials.py tests/diagnosis/collect tests/commands/test_diagnose.py

$(OLDEST)/.installed: setup.cfg constraints.txt
	@test -x $(OLDEST)/bin/pip || $(PYTHON) -m venv $(OLDEST)
	@grep -v '^kubernetes==' constraints.txt > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(OLDEST)/constraints.txt \
		--editable '.[dev,socks]' 'kubernetes==29.*'
	@touch $@

check: $(STAMP)
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: $(STAMP)
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

docs: $(STAMP)
	$(BIN)/python -c 'from pathlib import Path; from kubectl_metrics.output.catalogue import checks_page; \
		page = Path("docs/checks.md"); page.write_text(checks_page(page.read_text("utf-8")), "utf-8")'

e2e: $(STAMP) $(if $(E2E_KUBECONFIG),,cluster-up)
	$(BIN)/python -m pytest -q tests/e2e $(PYTEST_ARGS)
	@test -n "$(E2E_KUBECONFIG)" || echo "the cluster is left running; 'make cluster-down' stops it"

cluster-up:
	$(CLUSTER) up

cluster-down:
	$(CLUSTER) down

cluster-status:
	@$(CLUSTER) status

# The versions that development and CI use; taken anew from what the latest releases resolve to.
constraints:
	rm -rf build/constraints
	$(PYTHON) -m venv build/constraints
	build/constraints/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[dev,socks]'
	{ sed '/^[^#]/d' constraints.txt; build/constraints/bin/python -m pip freeze --exclude-editable; } > build/constraints.txt
	mv build/constraints.txt constraints.txt
	rm -rf build/constraints

clean:
	rm -rf $(VENV) $(OLDEST) build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
