# Tests the tests: changes the code in one place at a time, and a test has to fail. The Makefile
# includes it.

MODULES ?=
SAMPLE ?= 1
MUTANTS := build/mutants

.PHONY: mutants

mutants: $(MUTANTS)/installed ## test the tests, for hours: make mutants [MODULES="archive dicomweb/answer"] [SAMPLE=0.2]
	@PYTHONPATH=functions:client:. HYPOTHESIS_PROFILE=mutants \
		$(MUTANTS)/venv/bin/python -m tests.mutants --sample $(SAMPLE) \
		$$(echo "$(MODULES)" | tr , ' ')

# An environment of its own: the tests themselves need none of what Cosmic Ray requires.
$(MUTANTS)/installed: requirements/mutants.txt | $(MUTANTS)/venv/bin/pip
	@echo "Installing the requirements of the mutation tests into $(MUTANTS)/venv ..."
	@$(MUTANTS)/venv/bin/pip $(INSTALL) -r $<
	@touch $@

$(MUTANTS)/venv/bin/pip: | $(VENV)/bin/pip
	@$(BIN)/python -m venv $(MUTANTS)/venv
