# Needs Python 3.11 or newer and make; everything else is installed into .venv from requirements.lock, once.
PYTHON ?= python3
APP ?= app_definitions/crm
PORT ?= 8000
EXAMPLES ?= 4000
MUTATIONS ?= 10000
REQUESTS ?= 500
RECORDS ?= 200000

BIN := .venv/bin
INSTALLED := .venv/.installed

.PHONY: help transfer run test unit coverage doors properties mutations document check bench chaos format lock uploads
.DEFAULT_GOAL := help

help: ## show this list
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 16

run: $(INSTALLED) ## serve the sample app on http://127.0.0.1:8000 (APP=folder PORT=number)
	$(BIN)/castwork serve $(APP) --port $(PORT)

test: $(INSTALLED) ## all tests
	$(BIN)/pytest -n auto --dist loadfile

# Whatever the surroundings say: rewriting the assertions of all tests takes seconds, and the result can be kept.
unit coverage: export PYTHONDONTWRITEBYTECODE :=

unit: $(INSTALLED) ## the tests that need neither server nor database
	$(BIN)/pytest -n auto tests/unit tests/contract

coverage: $(INSTALLED) ## the lines of the engine that those tests leave out; fails under 95 %
	$(BIN)/pytest -n auto --cov=engine --cov-report=term-missing:skip-covered --cov-fail-under=95 tests/unit tests/contract

properties: $(INSTALLED) ## compare 100,000 lists with a reference (EXAMPLES=number of schemas, 25 lists each)
	CASTWORK_EXAMPLES=$(EXAMPLES) $(BIN)/pytest -s tests/properties/test_queries_agree.py

doors: $(INSTALLED) ## walk every route with every kind of caller and record
	CASTWORK_DOORS=full $(BIN)/pytest tests/integration/doors

document: $(INSTALLED) ## hold the sample apps to their OpenAPI documents (REQUESTS=number for each operation)
	CASTWORK_EXAMPLES=$(REQUESTS) $(BIN)/pytest tests/integration/observing/test_document_holds.py

chaos: $(INSTALLED) ## kill servers, workers and databases in the middle of jobs (CHAOS_RUNS=50 CHAOS_RECORDS=10000)
	CASTWORK_EXAMPLES=10000 $(BIN)/pytest tests/properties/test_job_sequences.py
	$(BIN)/python -m tests.chaos $(SCENARIOS)
	$(BIN)/python -m tests.chaos.imports

check: $(INSTALLED) ## lint, format, types, and the sample apps' definitions and examples
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy engine server
	$(BIN)/castwork validate --strict app_definitions
	$(BIN)/castwork fmt --check app_definitions
	$(BIN)/castwork test --require-coverage app_definitions

mutations: $(INSTALLED) ## change single words of the sample apps, 10,000 times (MUTATIONS=number)
	CASTWORK_MUTATIONS=$(MUTATIONS) $(BIN)/pytest -n auto tests/properties/test_definition_mutations.py

bench: $(INSTALLED) ## measure checks and compilations of definitions, requests beside a server written by hand, and rights
	$(BIN)/python -m tests.benchmarks.compile_time
	$(BIN)/python -m tests.benchmarks.check_time
	$(BIN)/python -m tests.benchmarks.rights_cost
	$(BIN)/python -m tests.benchmarks.request_cost

uploads: $(INSTALLED) ## measure a server under large uploads (UPLOADS=20 UPLOAD_MB=50 UPLOAD_ONE_MB=100)
	$(BIN)/python -m tests.benchmarks.upload_load

transfer: $(INSTALLED) ## measure how fast 200,000 records leave for files and 10,000 come, and in what memory (RECORDS=1000000)
	CASTWORK_RECORDS=$(RECORDS) $(BIN)/python -m tests.benchmarks.export_speed
	$(BIN)/python -m tests.benchmarks.import_speed

format: $(INSTALLED) ## rewrite the code in the house format
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

lock: $(INSTALLED) ## renew requirements.lock from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --all-extras --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command 'make lock' --quiet --output-file requirements.lock

# uv is taken from the lock file like all the rest; it installs eight times faster than pip. Where it cannot reach the
# package index (it does not read pip's settings of mirrors and certificates) pip does the same work.
$(INSTALLED): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Castwork needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > .venv/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock || \
		$(BIN)/python -m pip install --quiet --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --no-index --editable .
	@touch $@
