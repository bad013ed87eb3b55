# make demo    the tables against a simulated cluster, no Kubernetes needed
# make test    the tests that need no cluster (under 2 minutes)
# make oldest  the tests of what talks through the kubernetes package, with the oldest version that is supported
# make check   formatting, lint, types, and the rule which layer may import which
# make docs    docs/checks.md, from the checks
# make fuzz    a minute of fuzzing for each reader of bytes from outside; FUZZ_SECONDS, FUZZ_TARGETS="exposition http"
# make e2e     the tests against a real cluster: the project's own, or the one that E2E_KUBECONFIG names
# make bench   the tool beside kubectl top, against simulated servers (docs/benchmarks.md), some 10 minutes
# make bench-quick  what is asked, imported, received and held in memory, beside what it was
# make agreement  the kubelets' numbers beside metrics-server's (docs/agreement.md), on the project's own cluster
# make audit   looks constraints.txt up in the database of known vulnerabilities
# make cluster-up | cluster-down | cluster-status
#
# Each of them makes the virtual environment if there is none yet, and brings it up to date when setup.cfg has changed.

PYTHON ?= python3
PYTEST_ARGS ?=
BENCH_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OLDEST := .venv-oldest
FUZZ := .venv-fuzz
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(sort $(filter-out __init__,$(basename $(notdir $(wildcard tests/fuzz/targets/*.py)))))
CLUSTER := tests/e2e/cluster/cluster
PURE := kubectl_metrics/wire/*,kubectl_metrics/usage/*

.DEFAULT_GOAL := help
.PHONY: help venv demo test oldest fuzz check format docs e2e cluster-up cluster-down cluster-status constraints audit agreement bench bench-quick clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

venv: $(STAMP)

$(STAMP): setup.cfg pyproject.toml constraints.txt
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
		{ echo "no virtual environment without Python's venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
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
	@sed -e '/^ /d' -e '/^kubernetes==/d' -e 's/ *\\$$//' constraints.txt > $(OLDEST)/constraints.txt # without hashes
	$(OLDEST)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(OLDEST)/constraints.txt \
		--editable '.[dev,socks]' 'kubernetes==29.*'
	@touch $@

# Atheris has wheels for Linux and Python 3.11 to 3.13. What is found is in build/fuzz, and ends make.
fuzz: $(FUZZ)/.installed
	@for target in $(FUZZ_TARGETS); do \
		echo "$$target"; mkdir -p build/fuzz; \
		$(FUZZ)/bin/python -m tests.fuzz.run "$$target" -max_total_time=$(FUZZ_SECONDS) -print_final_stats=1 \
			> "build/fuzz/$$target.log" 2>&1 || { tail -n 40 "build/fuzz/$$target.log" >&2; exit 1; }; \
		sed -n 's/^stat::number_of_executed_units: */  inputs tried: /p' "build/fuzz/$$target.log"; \
	done

$(FUZZ)/.installed: setup.cfg constraints.txt
	@test -x $(FUZZ)/bin/pip || $(PYTHON) -m venv $(FUZZ)
	@sed -e '/^ /d' -e 's/ *\\$$//' constraints.txt > $(FUZZ)/constraints.txt # without hashes
	$(FUZZ)/bin/python -m pip install --quiet --disable-pip-version-check --constraint $(FUZZ)/constraints.txt \
		--editable . 'atheris>=3'
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

bench: $(STAMP)
	$(BIN)/python -m benchmarks --write $(BENCH_ARGS)

bench-quick: $(STAMP)
	@cd benchmarks/server && go vet . && test -z "$$(gofmt -l . | tee /dev/stderr)"
	@$(BIN)/python -m benchmarks.quick

agreement: $(STAMP) cluster-up
	$(BIN)/python -m benchmarks.agreement --write

cluster-up:
	$(CLUSTER) up

cluster-down:
	$(CLUSTER) down

cluster-status:
	@$(CLUSTER) status

# The versions that development and CI use, for every Python and platform, with the hashes of their files; taken anew
# from what the latest releases resolve to. UV_DEFAULT_INDEX names another package index than PyPI.
constraints:
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet --disable-pip-version-check uv
	build/uv/bin/uv pip compile --quiet --universal --python-version 3.10 --upgrade --generate-hashes --no-annotate \
		--no-header --extra dev --extra socks --output-file build/constraints.txt setup.cfg
	{ sed '/^[^#]/d' constraints.txt; cat build/constraints.txt; } > build/constraints.new
	mv build/constraints.new constraints.txt

# pip-audit is only told what constraints.txt says: nothing of it is installed, and nothing of ours is sent but that.
audit:
	@test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit && \
		build/audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.7,<3'; }
	build/audit/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes --requirement constraints.txt

clean:
	rm -rf $(VENV) $(OLDEST) $(FUZZ) build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
