# MiniStack, an emulator of AWS, in an environment of its own. The Makefile includes this.

GROUPS ?=

EMULATOR := build/emulator

.PHONY: emulator deploy-local

emulator: $(EMULATOR)/installed

# Functions run in the emulator's own Python, for which the layers are built.
deploy-local: $(VENV)/test python3.13 emulator build ## deploy into an emulator of AWS, smoke, change and delete: make deploy-local [GROUPS=all]
	@.sam-venv/bin/python deploy/emulated.py $(BUILD_DIR)/template.yaml .aws-sam/build/emulated.json
	@PYTHONPATH=functions:client $(BIN)/python -m tests.emulated $(GROUPS)

# With Lambda's Python if it is there, because functions run in it.
$(EMULATOR)/installed: requirements/emulator.txt
	@echo "Installing the emulator of AWS into $(@D) ..."
	@$(or $(python3.13),$(PYTHON)) -m venv --clear $(@D)
	@$(@D)/bin/pip $(INSTALL) -r $<
	@touch $@
