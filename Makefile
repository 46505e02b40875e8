# Everything runs in an environment of its own, .venv, made on first use from pyproject.toml.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: help demo test check format prove soak bench lock audit clean
help:            ## what there is
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 12

.venv/installed: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 …")'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[dev]'
	@touch $@

demo: .venv/installed   ## sample MBUs and the service over them; Ctrl-C ends both
	@exec $(BIN)/aggregator demo

test: .venv/installed   ## all tests, with a seeded slice of the long proofs
	$(BIN)/pytest --numprocesses 2 --dist loadfile

check: .venv/installed  ## format, lint, types, import layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

prove: .venv/installed  ## the long proofs in full numbers
	AGGREGATOR_PROVE=1 $(BIN)/pytest -m prove --durations=20

soak: .venv/installed   ## everything goes wrong, for SOAK_SECONDS (1800), by SOAK_SEED
	$(BIN)/python -m tests.chaos

bench: .venv/installed  ## the service beside its peers, about 12 minutes; benchmarks/README.md says what it means
	$(BIN)/pip install --quiet --disable-pip-version-check --editable '.[bench]'
	$(BIN)/python -m benchmarks

lock: .venv/installed   ## requirements.lock made anew from pyproject.toml
	$(BIN)/pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-annotate --no-config \
		--default-index https://pypi.org/simple --no-emit-index-url \
		--custom-compile-command "make lock" pyproject.toml -o requirements.lock

audit:           ## known vulnerabilities of what is locked; asks the package index, in an environment of its own
	$(PYTHON) -m venv build/audit
	build/audit/bin/pip install --quiet --disable-pip-version-check pip-audit
	build/audit/bin/pip-audit --strict --require-hashes --disable-pip -r requirements.lock

clean:           ## the environment and everything built
	rm -rf .venv build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .benchmarks .import_linter_cache
