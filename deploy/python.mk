# The Pythons that build what Lambda runs. build.mk and the makefiles of `sam build` include it.

HERE := $(dir $(lastword $(MAKEFILE_LIST)))

# Only a Python 3.13 makes bytecode for Lambda's: one on PATH, of pyenv or of uv. It has to run to
# count: a pyenv shim on PATH may be there and not run.
python3.13 = $(shell \
	for python in $$(which -a python3.13) "$$HOME"/.pyenv/versions/3.13.*/bin/python3.13 \
		"$$(uv python dir 2>/dev/null)"/cpython-3.13.*/bin/python3.13; do \
		"$$python" -c 'import compileall, sys; \
		sys.exit(sys.implementation.cache_tag != "cpython-313")' 2>/dev/null \
		&& echo "$$python" && break; done)

# pip chooses packages for Lambda's Python from any Python: one on PATH, or of a venv of this tree.
python_with_pip = $(shell \
	for python in $$(which -a python3 python3.13 python3.12 python3.11) \
		"$(HERE)"../.sam-venv/bin/python "$(HERE)"../.venv/bin/python; do \
		"$$python" -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		&& echo "$$python" && break; done)

NO_BYTECODE := No Python 3.13 was found, so there is no bytecode in this build: a cold start takes \
1.2 s instead of 0.4 s.
NO_PIP := A Python of 3.11 or newer with pip is needed to fetch what the layers hold. On Debian and \
Ubuntu: apt-get install python3-pip
