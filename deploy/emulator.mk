# MiniStack, an emulator of AWS, in an environment of its own. The Makefile includes this.

EMULATOR := build/emulator

.PHONY: emulator

emulator: $(EMULATOR)/installed

$(EMULATOR)/installed: requirements/emulator.txt
	@echo "Installing the emulator of AWS into $(@D) ..."
	@$(PYTHON) -m venv --clear $(@D)
	@$(@D)/bin/pip install --quiet --disable-pip-version-check --root-user-action=ignore \
		--no-deps --require-hashes -r $<
	@touch $@
