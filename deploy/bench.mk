# Measures the service. The Makefile includes it.

SECTIONS ?=
SCALE ?= 1
BENCH := build/bench
LAYER := DependenciesLayer$(if $(filter aarch64 arm64,$(shell uname -m)),Arm64,X8664)
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check --root-user-action=ignore \
	--no-deps --require-hashes

.PHONY: bench bench-function bench-peers

bench: $(VENV)/test $(BENCH)/layer/built $(BENCH)/runtime/built bench-function bench-peers ## measure it: make bench [SECTIONS="floor growth"] [SCALE=0.2]
	@$(BIN)/python -m tests.bench --python "$(python3.13)" --scale $(SCALE) \
		$$(echo "$(SECTIONS)" | tr , ' ')

# What `sam build` makes, without SAM: its recipes for this machine's processor.
$(BENCH)/layer/built: layers/dependencies/requirements.txt
	@$(MAKE) --silent --no-print-directory -f deploy/build.mk python3.13 >/dev/null
	rm -rf $(BENCH)/layer && mkdir -p $(BENCH)/layer
	PATH="$(dir $(python3.13)):$$PATH" $(MAKE) --silent -C layers/dependencies build-$(LAYER) \
		ARTIFACTS_DIR=$(CURDIR)/$(BENCH)/layer
	touch $@

bench-function:
	@rm -rf $(BENCH)/function && mkdir -p $(BENCH)/function
	@PATH="$(dir $(python3.13)):$$PATH" $(MAKE) --silent -C functions build-StoreFunction \
		ARTIFACTS_DIR=$(CURDIR)/$(BENCH)/function

# What Lambda's own image has: its runtime client.
$(BENCH)/runtime/built: requirements/runtime.txt
	@rm -rf $(BENCH)/runtime
	$(python3.13) $(PIP_INSTALL) -r $< --target $(BENCH)/runtime
	@touch $@

# A peer that cannot be had is left out, and named.
bench-peers:
	@command -v Orthanc >/dev/null || { echo "Installing Orthanc to compare with ..."; \
		apt-get install -y -qq --no-install-recommends orthanc orthanc-dicomweb >/dev/null; } || \
		echo "Orthanc is left out. On Debian: apt-get install orthanc orthanc-dicomweb" >&2
	@test $(BENCH)/tiny-pacs/built -nt requirements/bench.txt || { \
		echo "Installing tiny-pacs to compare with ..."; \
		$(python3.13) -m venv --clear $(BENCH)/tiny-pacs && \
		$(BENCH)/tiny-pacs/bin/python $(PIP_INSTALL) -r requirements/bench.txt && \
		touch $(BENCH)/tiny-pacs/built; } || echo "tiny-pacs is left out." >&2
