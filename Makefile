# make demo    the tables against a simulated cluster, no Kubernetes needed
# make test    the tests that need no cluster (under 2 minutes)
# make matrix  the tests with the built wheel, on each Python, with lowest, pinned and newest dependencies, half an hour;
#              MATRIX=3.10-lowest,kubernetes-29 chooses
# make workflows  .github/workflows, with actionlint
# make check   formatting, lint, types, and the rule which layer may import which
# make docs    docs/checks.md, from the checks
# make fuzz    a minute of fuzzing for each reader of bytes from outside; FUZZ_SECONDS, FUZZ_TARGETS="exposition http"
# make e2e     the tests against a real cluster: the project's own, or the one that E2E_KUBECONFIG names
# make bench   the tool beside kubectl top, against simulated servers (docs/benchmarks.md), some 10 minutes
# make bench-quick  what is asked, imported, received and held in memory, beside what it was
# make agreement  the kubelets' numbers beside metrics-server's (docs/agreement.md), on the project's own cluster
# make krew    the archive that krew installs, for this platform, and its manifest: dist/krew
# make dist    the sdist and the wheel: dist
# make release VERSION=1.2.3  everything that a release consists of, if all agrees and is green (docs/releasing.md)
# make audit   looks all versions that are pinned up in the database of known vulnerabilities
# make cluster-up | cluster-down | cluster-status
#
# Each of them makes the virtual environment if there is none yet, and brings it up to date when setup.cfg has changed.

PYTHON ?= python3
PYTEST_ARGS ?=
BENCH_ARGS ?=
KREW_ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
RELEASE := .venv-release
MATRIX ?=
VERSION ?=
FUZZ := .venv-fuzz
FUZZ_SECONDS ?= 60
FUZZ_TARGETS ?= $(sort $(filter-out __init__,$(basename $(notdir $(wildcard tests/fuzz/targets/*.py)))))
CLUSTER := tests/e2e/cluster/cluster
PINNED := constraints.txt krew/requirements.txt release/requirements.txt
KREW := dist/krew/metrics.yaml

# Where this is set, every process that a test starts compiles all of its modules, which takes longer than the test.
export PYTHONDONTWRITEBYTECODE :=

.DEFAULT_GOAL := help
.PHONY: help python krew krew-requirements venv demo test matrix dist release release-prepare release-requirements workflows sbom release-check release-notes release-collect fuzz check format docs e2e cluster-up cluster-down cluster-status constraints audit agreement bench bench-quick clean

help:
	@sed -n '/^#/!q; s/^# \{0,1\}//p' Makefile

venv: $(STAMP)

# Before anything is made of a Python that is too old, or a .venv is used that has been.
python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "this takes Python 3.10 or later, and '$(PYTHON)' is none: make PYTHON=/path/to/python3.12 ..." >&2; exit 1; }
	@test ! -x $(BIN)/python || $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 10))' || rm -rf $(VENV)

$(STAMP): setup.cfg pyproject.toml constraints.txt | python
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) || \
		{ echo "no virtual environment without Python's venv module (Debian: apt-get install python3-venv)" >&2; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/python tests/demo.py

test: $(STAMP)
ifeq ($(PYTEST_ARGS),)
	$(BIN)/python -m tests
else
	$(BIN)/python -m pytest -q $(PYTEST_ARGS)
endif

# Pythons that are neither on PATH nor in pyenv are fetched by uv.
matrix: $(STAMP) $(RELEASE)/.installed
	@$(BIN)/python -m release.matrix "$(MATRIX)"

dist: $(STAMP) $(RELEASE)/.installed
	@$(BIN)/python -m release.dist dist
	@$(BIN)/python -m release.validate dist

release: $(STAMP) $(RELEASE)/.installed
	@$(BIN)/python -m release "$(VERSION)"

release-prepare: $(STAMP)
	@$(BIN)/python -m release.prepare "$(VERSION)"

$(RELEASE)/.installed: release/requirements.txt
	@test -x $(RELEASE)/bin/pip || $(PYTHON) -m venv $(RELEASE)
	$(RELEASE)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes \
		--requirement release/requirements.txt
	@touch $@

release-requirements: $(RELEASE)/.installed
	mkdir -p build
	$(RELEASE)/bin/uv pip compile --quiet --universal --python-version 3.10 --upgrade --generate-hashes --no-annotate \
		--no-header --output-file build/release-requirements.txt release/requirements.in
	{ sed '/^[^#]/d' release/requirements.txt; cat build/release-requirements.txt; } > build/release-requirements.new
	mv build/release-requirements.new release/requirements.txt

# actionlint knows the workflows' schema, expressions and actions; with shellcheck on PATH it looks into "run:" as well.
workflows: build/actionlint
	build/actionlint

build/actionlint: release/actionlint/go.mod release/actionlint/go.sum
	go build -C release/actionlint -o $(CURDIR)/$@ github.com/rhysd/actionlint/cmd/actionlint

sbom: $(STAMP) $(RELEASE)/.installed
	@$(BIN)/python -m release.sbom dist

# The workflow's steps of a release; TAG, such as v1.2.3, is read from the environment and never by make.
release-check:
	@$(PYTHON) -m release.agreement "$$TAG"

release-notes:
	@$(PYTHON) -m release.changelog "$${TAG#v}"

release-collect:
	@$(PYTHON) -m release.collect dist

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

e2e: $(STAMP) $(RELEASE)/.installed $(if $(E2E_KUBECONFIG),,cluster-up)
ifeq ($(PYTEST_ARGS),)
	$(BIN)/python -m tests.e2e
else
	$(BIN)/python -m pytest -q tests/e2e $(PYTEST_ARGS)
endif
	@test -n "$(E2E_KUBECONFIG)" || echo "the cluster is left running; 'make cluster-down' stops it"

krew: | python
	$(PYTHON) -m krew $(KREW_ARGS)

$(KREW): $(shell find krew kubectl_metrics -name '*.py') $(wildcard krew/*.* krew/licenses/*) setup.cfg LICENSE
	$(PYTHON) -m krew $(KREW_ARGS)

# The versions in the archive, with the hashes of their files: constraints.txt has those of the runtime dependencies.
krew-requirements: build/uv/bin/uv
	build/uv/bin/uv pip compile --quiet --universal --python-version 3.10 --generate-hashes --no-annotate --no-header \
		--extra socks --constraint constraints.txt --output-file build/krew-requirements.txt setup.cfg krew/requirements.in
	{ sed '/^[^#]/d' krew/requirements.txt; cat build/krew-requirements.txt; } > build/krew-requirements.new
	mv build/krew-requirements.new krew/requirements.txt

bench: $(STAMP)
	$(BIN)/python -m benchmarks --write $(BENCH_ARGS)

bench-quick: $(STAMP)
	@cd benchmarks/server && go vet . && found=$$(gofmt -l .) && { test -z "$$found" || { echo "gofmt: $$found" >&2; exit 1; }; }
	@$(BIN)/python -m benchmarks.quick

agreement: $(STAMP) cluster-up
	$(BIN)/python -m benchmarks.agreement --write

cluster-up:
	$(CLUSTER) up

cluster-down:
	$(CLUSTER) down

cluster-status:
	@$(CLUSTER) status

# The newest, to be taken whole.
build/uv/bin/uv:
	$(PYTHON) -m venv build/uv
	build/uv/bin/python -m pip install --quiet --disable-pip-version-check uv

# The versions that development and CI use, for every Python and platform, with the hashes of their files; taken anew
# from what the latest releases resolve to. UV_DEFAULT_INDEX names another package index than PyPI.
constraints: build/uv/bin/uv
	build/uv/bin/uv pip compile --quiet --universal --python-version 3.10 --upgrade --generate-hashes --no-annotate \
		--no-header --extra dev --extra socks --output-file build/constraints.txt setup.cfg
	{ sed '/^[^#]/d' constraints.txt; cat build/constraints.txt; } > build/constraints.new
	mv build/constraints.new constraints.txt

# pip-audit is only told what these files say: nothing of it is installed, and nothing of ours is sent but that.
audit:
	@test -x build/audit/bin/pip-audit || { $(PYTHON) -m venv build/audit && \
		build/audit/bin/python -m pip install --quiet --disable-pip-version-check 'pip-audit>=2.7,<3'; }
	build/audit/bin/pip-audit --strict --progress-spinner off --disable-pip --require-hashes \
		$(PINNED:%=--requirement %)

clean:
	rm -rf $(VENV) $(FUZZ) $(RELEASE) build dist .coverage .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
