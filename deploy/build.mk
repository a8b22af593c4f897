# Checks and builds what SAM deploys. The Makefile includes it; `make -f deploy/build.mk` works too.

PYTHON ?= python3
VENV ?= .venv
BUILD_DIR ?= .aws-sam/build
SNAPSTART := off
ROLLOUT := off
ENV := default
FUNCTION := StoreFunction
EVENT := store/one-ct

# With snapshots or a rollout another template is deployed: template.yaml with overlays of deploy/.
WITH_OVERLAYS := build/versions-snapstart.json build/versions-rollout.json \
	build/versions-snapstart-rollout.json
overlay_on = -$(2)
overlay = $(if $(filter on off,$($(1))),$(overlay_$($(1))),$(error $(1) must be on or off, not "$($(1))"))
OVERLAYS = $(call overlay,SNAPSTART,snapstart)$(call overlay,ROLLOUT,rollout)
TEMPLATE := $(if $(OVERLAYS),build/versions$(OVERLAYS).json,template.yaml)

export SAM_CLI_TELEMETRY := 0

include deploy/python.mk

.PHONY: sam validate build deploy parameters start-api invoke python3.13 uv-python

sam: .sam-venv/installed ## install the SAM CLI and cfn-lint into .sam-venv

# The list is complete, so pip need not resolve it (--no-deps).
.sam-venv/installed: requirements/sam.txt | .sam-venv/bin/pip
	.sam-venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	touch $@

$(WITH_OVERLAYS): template.yaml $(wildcard deploy/*.yaml) deploy/overlay.py | .sam-venv/installed
	mkdir -p $(@D)
	.sam-venv/bin/python deploy/overlay.py $(subst -, ,$(basename $(@F))) >$@.$$$$ && mv $@.$$$$ $@

validate: sam $(WITH_OVERLAYS) ## check the template as written and as deployed, without and with overlays
	.sam-venv/bin/sam validate --lint
	.sam-venv/bin/sam validate --lint --template examples/template.yaml
	.sam-venv/bin/cfn-lint template.yaml $(WITH_OVERLAYS) --append-rules cfn_lint_serverless.rules
	.sam-venv/bin/cfn-lint deploy/relay.yaml
	PYTHONPATH=. .sam-venv/bin/python deploy/deployments.py template.yaml $(lastword $(WITH_OVERLAYS))

# Results without bytecode are neither put into SAM's cache nor taken from it.
build: sam $(TEMPLATE) uv-python ## build functions and layers for arm64 and x86_64: make build [SNAPSTART=on] [ROLLOUT=on]
	@for built in .aws-sam/cache/*; do \
	test -n "$$(find "$$built" -name '*.cpython-313.pyc' 2>/dev/null)" || rm -rf "$$built"; done
	BUILT_BY_MAKE=1 .sam-venv/bin/sam build --build-dir $(BUILD_DIR) --template-file $(TEMPLATE) \
	--base-dir . $(if $(python3.13),,--no-cached) $(SAM_BUILD_FLAGS)
	@test -n "$(python3.13)" || echo "$(NO_BYTECODE)"

deploy: parameters python3.13 build ## build with bytecode and deploy: make deploy [ENV=dev] [SNAPSTART=on] [ROLLOUT=on] [SAM_DEPLOY_FLAGS=--guided]
	.sam-venv/bin/sam deploy --template-file $(BUILD_DIR)/template.yaml --config-env $(ENV) \
	$(SAM_DEPLOY_FLAGS)

# CloudFormation would refuse them only after everything is uploaded.
parameters: sam $(TEMPLATE)
	@PYTHONPATH=. .sam-venv/bin/python deploy/parameters.py $(TEMPLATE) $(ENV) $(SAM_DEPLOY_FLAGS)

# sam local does not know the machine's processor, and Docker on Linux has no host.docker.internal.
SAM_LOCAL = --template-file $(BUILD_DIR)/template.yaml --env-vars events/env.json \
	--parameter-overrides Authentication=none EndpointUrl=http://host.docker.internal:5050 \
	Architecture=$(if $(filter aarch64 arm64,$(shell uname -m)),arm64,x86_64) \
	$(if $(filter Linux,$(shell uname -s)),--add-host host.docker.internal:host-gateway)

start-api: build ## run the functions in Lambda's container, with Docker, on port 3000 (sam local)
	.sam-venv/bin/sam local start-api $(SAM_LOCAL) $(SAM_LOCAL_FLAGS)

invoke: build ## run one function once in Lambda's container: make invoke [FUNCTION=StoreFunction] [EVENT=store/one-ct]
	.sam-venv/bin/sam local invoke $(FUNCTION) --event events/$(EVENT).json $(SAM_LOCAL) \
	$(SAM_LOCAL_FLAGS)

python3.13: uv-python
	@python="$(python3.13)"; test -n "$$python" && echo "$$python" || \
	{ echo "Bytecode for Lambda requires Python 3.13: put python3.13 on PATH, or install" \
	"it with pyenv (pyenv install 3.13) or uv (uv python install 3.13)." >&2; exit 1; }

# If there is no Python 3.13, uv installs one, provided that it can reach the network.
uv-python:
	@test -n "$(python3.13)" || ! command -v uv >/dev/null || uv python install 3.13 || true

# On Debian, venv is a separate package.
$(VENV)/bin/pip .sam-venv/bin/pip .audit-venv/bin/pip:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is required: put python3 on PATH." >&2; exit 1; }
	@venv=$(@:/bin/pip=); $(PYTHON) -m venv $$venv 2>/dev/null || { rm -rf $$venv; \
	echo "Python has no venv module: installing Debian's ..."; \
	apt-get update -qq && apt-get install -y -qq python3-venv && $(PYTHON) -m venv $$venv; } || { \
	rm -rf $$venv; \
	echo "Python's venv module is required. On Debian and Ubuntu: apt-get install python3-venv" >&2; \
	exit 1; }
