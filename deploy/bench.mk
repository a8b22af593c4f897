# Measures the service. The Makefile includes it.

SECTIONS ?=
SCALE ?= 1
BENCH := build/bench
PROCESSOR := $(if $(filter aarch64 arm64,$(shell uname -m)),Arm64,X8664)
LAYERS := $(BENCH)/layer/built $(BENCH)/authorizer-layer/built

.PHONY: bench bench-function bench-peers bench-plots

bench: $(VENV)/test $(LAYERS) $(BENCH)/runtime/built bench-function bench-peers bench-plots ## measure the service: make bench [SECTIONS="floor growth"] [SCALE=0.2]
	@$(BIN)/python -m tests.bench --python "$(python3.13)" --scale $(SCALE) \
		$$(echo "$(SECTIONS)" | tr , ' ')

# What `sam build` makes, but without SAM: its recipes for this machine's processor. It is measured
# as it is deployed, with bytecode.
$(BENCH)/layer/built: layer := DependenciesLayer$(PROCESSOR)
$(BENCH)/layer/built: layers/dependencies/requirements.txt
$(BENCH)/authorizer-layer/built: layer := AuthorizerLayer$(PROCESSOR)
$(BENCH)/authorizer-layer/built: layers/dependencies/authorizer.txt
$(LAYERS): layers/dependencies/Makefile layers/dependencies/unused.txt | python3.13
	rm -rf $(@D) && mkdir -p $(@D)
	$(MAKE) --silent -C layers/dependencies build-$(layer) ARTIFACTS_DIR=$(CURDIR)/$(@D)
	touch $@

bench-function: python3.13
	@rm -rf $(BENCH)/function && mkdir -p $(BENCH)/function
	@$(MAKE) --silent -C functions build-StoreFunction \
		ARTIFACTS_DIR=$(CURDIR)/$(BENCH)/function

# The runtime client that Lambda's own image has.
$(BENCH)/runtime/built: requirements/runtime.txt | python3.13
	@rm -rf $(BENCH)/runtime
	$(BIN)/pip --python $(python3.13) $(INSTALL) -r $< --target $(BENCH)/runtime
	@touch $@

# matplotlib draws the plots of the pages in an environment of its own: nothing else uses it.
bench-plots: $(BENCH)/plots/built

$(BENCH)/plots/built: requirements/plots.txt | $(VENV)/bin/pip
	@echo "Installing matplotlib into $(BENCH)/plots ..."
	@$(BIN)/python -m venv --clear $(BENCH)/plots
	@$(BENCH)/plots/bin/pip $(INSTALL) -r $<
	@touch $@

# A peer that cannot be installed is left out, and named.
bench-peers:
	@command -v Orthanc >/dev/null || { echo "Installing Orthanc for comparison ..."; \
		apt-get install -y -qq --no-install-recommends orthanc orthanc-dicomweb >/dev/null; } || \
		echo "Orthanc is left out. On Debian: apt-get install orthanc orthanc-dicomweb" >&2
	@test -e /usr/share/orthanc/plugins/libOrthancPostgreSQLIndex.so && ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 || { \
		echo "Installing PostgreSQL for comparison ..."; \
		apt-get install -y -qq --no-install-recommends orthanc-postgresql postgresql >/dev/null; } || \
		echo "Orthanc with PostgreSQL is left out. On Debian: apt-get install orthanc-postgresql postgresql" >&2
	@test $(BENCH)/tiny-pacs/built -nt requirements/bench.txt || { \
		echo "Installing tiny-pacs for comparison ..."; \
		$(python3.13) -m venv --clear $(BENCH)/tiny-pacs && \
		$(BENCH)/tiny-pacs/bin/pip $(INSTALL) -r requirements/bench.txt && \
		touch $(BENCH)/tiny-pacs/built; } || echo "tiny-pacs is left out." >&2
