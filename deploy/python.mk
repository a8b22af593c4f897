# Finds the Pythons that build what Lambda runs. build.mk and the makefiles of `sam build` include it.

HERE := $(dir $(lastword $(MAKEFILE_LIST)))

# Only Python 3.13 can write bytecode for Lambda's: one on PATH, or one that pyenv or uv installed.
# It is used only if it runs: a pyenv shim may be on PATH but fail to run.
python3.13 = $(shell \
	for python in $$(which -a python3.13) "$$HOME"/.pyenv/versions/3.13.*/bin/python3.13 \
		"$$(uv python dir 2>/dev/null)"/cpython-3.13.*/bin/python3.13; do \
		"$$python" -c 'import compileall, sys; \
		sys.exit(sys.implementation.cache_tag != "cpython-313")' 2>/dev/null \
		&& echo "$$python" && break; done)

# Any Python's pip can choose packages for Lambda's: one on PATH, or in a venv of this tree.
python_with_pip = $(shell \
	for python in $$(which -a python3 python3.13 python3.12 python3.11) \
		"$(HERE)"../.sam-venv/bin/python "$(HERE)"../.venv/bin/python; do \
		"$$python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		&& echo "$$python" && break; done)

NO_BYTECODE := No Python 3.13 was found, so there is no bytecode in this build: a cold start takes \
1.2 s instead of 0.4 s.
NO_PIP := Fetching the packages of the layers requires Python 3.11 or newer with pip. On Debian and \
Ubuntu: apt-get install python3-pip
