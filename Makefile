# Every target works on a fresh clone; the first one builds what it needs.
# PYTHON names an interpreter of 3.11 or newer; otherwise the first one on the PATH is taken.

VENV := .venv
BIN := $(VENV)/bin
SETUP := $(VENV)/.setup
GEN := .tools/gen
GENERATORS := grpcio-tools==1.80.1 mypy-protobuf==5.1.0 setuptools<81
STUBS := client
SYSTEM_PYCURL := .tools/system-pycurl
WORKERS := 2

export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint type protos stubs-fresh docs bench clean
.DELETE_ON_ERROR:

help:  ## this list
	@sed -n 's/^\([a-z-]*\):.*  ## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

setup: $(SETUP)  ## .venv with everything that development needs

$(SETUP): pyproject.toml
	@python=$$(.ci/python) || exit 1; [ -x $(BIN)/pip ] || $$python -m venv --clear $(VENV) \
	  || { echo "No virtual environment could be made; on Debian: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into $(VENV) ..."
	@$(BIN)/python -m pip install --quiet --upgrade 'pip>=25.1'
	@$(BIN)/python -m pip install --quiet --editable '.[server]' --group dev
	@touch $@

demo: setup  ## a download that survives kill -9, in a minute
	@$(BIN)/python -m examples.demo

test: setup $(if $(shell command -v curl-config 2>/dev/null),$(SYSTEM_PYCURL)/.setup)  ## all tests that this machine allows
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(PYTEST)

# The wheel's libcurl has no NTLM; the system's has, and one test runs a daemon on it.
$(SYSTEM_PYCURL)/.setup: $(SETUP)
	@rm -rf $(@D) && mkdir -p $(@D)
	@echo "Building pycurl on the system's libcurl into $(@D) ..."
	@$(BIN)/python -m pip install --quiet --no-deps --no-cache-dir --no-binary pycurl \
	  --target $(@D) pycurl >$(@D).log 2>&1 && touch $@ \
	  || echo "It could not be built ($(@D).log says why); what needs it is listed as not run." >&2

lint: setup stubs-fresh  ## style, types, rooms, protos, known flaws of dependencies
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/buf lint
	$(BIN)/buf format --diff --exit-code
	PATH="$(CURDIR)/$(BIN):$$PATH" .ci/protos-breaking
	$(BIN)/python .ci/audit.py

type: setup  ## types only
	$(BIN)/mypy

protos: $(GEN)/.setup  ## generate the stubs anew
	$(GEN)/bin/python -m grpc_tools.protoc -Iprotos \
	  --plugin=protoc-gen-mypy=$(GEN)/bin/protoc-gen-mypy \
	  --plugin=protoc-gen-mypy_grpc=$(GEN)/bin/protoc-gen-mypy_grpc \
	  --python_out=$(STUBS) --grpc_python_out=$(STUBS) \
	  --mypy_out=quiet,readable_stubs:$(STUBS) --mypy_grpc_out=quiet:$(STUBS) \
	  protos/bgcopy/v1/*.proto

# A generator of its own: its runtime is older than the one that is tested with.
$(GEN)/.setup: Makefile
	@rm -rf $(GEN)
	@python=$$(.ci/python) && $$python -m venv $(GEN)
	@echo "Installing the generator into $(GEN) ..."
	@$(GEN)/bin/python -m pip install --quiet $(foreach one,$(GENERATORS),'$(one)')
	@touch $@

stubs-fresh: $(GEN)/.setup
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT \
	  && $(MAKE) --silent protos STUBS="$$fresh" \
	  && diff -r --exclude=__pycache__ "$$fresh/bgcopy/v1" client/bgcopy/v1 \
	  || { echo "The stubs are not those of protos/; run 'make protos' and commit." >&2; exit 1; }

docs: setup  ## the pages that are made from tables
	$(BIN)/python -m docs.errors_page
	$(BIN)/python -m docs.properties_page

bench: setup  ## the figures, each beside its budget
	$(BIN)/python -m tests.bench

clean:  ## everything that is not in the repository
	rm -rf $(VENV) .tools build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	  .import_linter_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
