# `make run` starts the service on this machine, `make test` tests it. Each installs what it needs.

SCOPE ?=
VENV := .venv
BIN := $(VENV)/bin

# The first Python that runs and is new enough: a pyenv shim on PATH may be there and not run.
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done)

.PHONY: help run sample token test test-fast check lint types architecture format events programs requirements clean

help: ## say what there is to make
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

include build.mk
include bench.mk

# What `make run` is given on its command line are parameters of template.yaml.
run: $(VENV)/local ## serve on loopback: make run [PARAMETER=value ...] [PORT=8080] [AWS_PORT=5050]
	@exec $(BIN)/python -m local $(filter-out PYTHON=% VENV=%,$(MAKEOVERRIDES))

sample: $(VENV)/local ## store a sample instance into the running service and show what came of it
	@$(BIN)/python -m local.sample

token: $(VENV)/local ## print a token of the running service: make token [SCOPE=...]
	@$(BIN)/python -m local.issuer token $(if $(SCOPE),--scope "$(SCOPE)")

# A file of tests that start processes goes to one worker, in the order that tests/processes.py gives.
PYTEST := -m pytest -n auto --dist loadgroup --no-loadscope-reorder --durations 10

# What is measured goes into a directory of this run's own, so that runs may go on side by side.
test: $(VENV)/test sam programs ## run all tests, with full branch coverage of the functions
	@mkdir -p build && data=$$(mktemp -d build/coverage.XXXXXX) && trap 'rm -rf "$$data"' EXIT && \
	export COVERAGE_FILE="$$PWD/$$data/data" && set -x && \
	$(BIN)/coverage run $(PYTEST) && \
	$(BIN)/coverage combine --quiet && \
	$(BIN)/coverage report --fail-under=100 --include='functions/*'

test-fast: $(VENV)/test ## run the tests that start no processes, without coverage
	$(BIN)/python $(PYTEST) -m "not process"

# Programs that the tests hold the service against: curl as a client, DCMTK as a second reader.
programs:
	@command -v curl >/dev/null && command -v dcm2xml >/dev/null || { \
	echo "The tests need curl and DCMTK: trying to install them ..."; \
	apt-get update -qq && apt-get install -y -qq --no-install-recommends curl dcmtk; } || { \
	echo "Install curl and DCMTK (Debian, Ubuntu: apt-get install curl dcmtk; macOS: brew install" \
	"dcmtk), then make test again." >&2; exit 1; }

check: lint types architecture validate ## lint, types, architecture, template; changes nothing

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test
	$(BIN)/mypy

architecture: $(VENV)/test
	PYTHONPATH=functions $(BIN)/lint-imports

format: $(VENV)/test ## format the code
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

events: $(VENV)/test ## make the files of events/ anew
	$(BIN)/python -m events.make

requirements: ## pin anew what requirements/*.in ask for (needs uv)
	cd requirements && for set in test local sam bench runtime; do \
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --quiet $$(case $$set in (local|runtime) echo -c test.txt;; esac) $$set.in -o $$set.txt; done && \
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --quiet -c test.txt ../layers/dependencies/requirements.in \
	-o ../layers/dependencies/requirements.txt

clean: ## remove what was installed and built here
	rm -rf $(VENV) .sam-venv .aws-sam build .stowport .coverage* .hypothesis .*_cache

# The lists are complete and hashed, so pip need not resolve them (--no-deps).
$(VENV)/local: requirements/local.txt | $(VENV)/bin/pip
	@echo "Installing what the service needs into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

$(VENV)/test: requirements/test.txt | $(VENV)/bin/pip
	@echo "Installing what the tests need into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@ $(VENV)/local

$(VENV)/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed: put python3 on PATH." >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { rm -rf $(VENV); \
	echo "Python has no venv module: trying to install Debian's ..."; \
	apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $(VENV); } || { \
	rm -rf $(VENV); \
	echo "Python's venv module is needed. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
	exit 1; }
