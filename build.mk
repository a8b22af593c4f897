# Checks and builds what SAM deploys. The Makefile includes it; `make -f build.mk` works too.

PYTHON ?= python3
BUILD_DIR ?= .aws-sam/build
SNAPSTART := off

# With snapshots another template is deployed: template.yaml, and over it snapstart.yaml.
WITH_SNAPSHOTS := build/snapstart.json
TEMPLATE_off := template.yaml
TEMPLATE_on := $(WITH_SNAPSHOTS)
TEMPLATE := $(or $(TEMPLATE_$(SNAPSTART)),$(error SNAPSTART is on or off, not "$(SNAPSTART)"))

export SAM_CLI_TELEMETRY := 0

# Lambda's Python, wherever it is: a pyenv shim on PATH may be there and not run.
python3.13 = $(shell \
	for python in $$(which -a python3.13) "$$HOME"/.pyenv/versions/3.13.*/bin/python3.13; do \
		"$$python" -m pip --version >/dev/null 2>&1 && echo "$$python" && break; \
	done)

.PHONY: sam validate build python3.13

sam: .sam-venv/installed ## install the SAM CLI and cfn-lint into .sam-venv

# The list is complete, so pip need not resolve it (--no-deps).
.sam-venv/installed: requirements/sam.txt
	$(PYTHON) -m venv .sam-venv
	.sam-venv/bin/pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	touch $@

$(WITH_SNAPSHOTS): template.yaml snapstart.yaml snapstart.py | .sam-venv/installed
	mkdir -p $(@D)
	.sam-venv/bin/python snapstart.py >$@.$$$$ && mv $@.$$$$ $@

validate: sam $(WITH_SNAPSHOTS) ## check template.yaml, and with snapstart.yaml, with SAM and cfn-lint
	.sam-venv/bin/sam validate --lint
	.sam-venv/bin/sam validate --lint --template-file $(WITH_SNAPSHOTS)
	.sam-venv/bin/cfn-lint template.yaml $(WITH_SNAPSHOTS) --append-rules cfn_lint_serverless.rules

build: sam $(TEMPLATE) ## build functions and layers, for arm64 and x86_64: make build [SNAPSTART=on]
	@path=$$($(MAKE) --silent --no-print-directory -f build.mk python3.13) || exit; set -x; \
	PATH="$${path%/*}:$$PATH" .sam-venv/bin/sam build --build-dir $(BUILD_DIR) \
	--template-file $(TEMPLATE) --base-dir . $(SAM_BUILD_FLAGS)

python3.13:
	@python="$(python3.13)"; test -n "$$python" && echo "$$python" || \
	{ echo "A Python 3.13 with pip is needed to build for Lambda: put python3.13 on PATH," \
	"or install it with pyenv (pyenv install 3.13)." >&2; exit 1; }
