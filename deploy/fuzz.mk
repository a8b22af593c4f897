# Fuzzes the parsers and the handlers. The Makefile includes it.

TARGETS ?=
FUZZ := build/fuzz

.PHONY: fuzz

fuzz: $(VENV)/test $(FUZZ)/installed ## fuzz parsers and handlers: make fuzz [MINUTES=10] [SEED=] [TARGETS="store"]
	@PYTHONPATH=$(FUZZ)/atheris:functions:client:. $(BIN)/python -m tests.fuzz \
		$(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED)) $(TARGETS)

# Not in .venv: atheris exists for Linux on x86-64 only, and the targets run without it.
$(FUZZ)/installed: requirements/fuzz.txt | $(VENV)/bin/pip
	@rm -rf $(FUZZ)/atheris && mkdir -p $(FUZZ)/atheris
	@echo "Installing atheris into $(FUZZ)/atheris ..."
	@$(BIN)/pip $(INSTALL) --only-binary :all: -r $< --target $(FUZZ)/atheris || { \
		rm -rf $(FUZZ)/atheris/*; echo "There is no atheris for this Python or machine: inputs are" \
		"made from the first ones only, without guidance by coverage." >&2; }
	@touch $@
