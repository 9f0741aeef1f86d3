# Every target sets up what it needs in .venv first; `make demo` and `make test` work on a fresh clone.
PYTHON ?= python3
VENV := .venv
SPARK := .venv-spark
BIN := $(VENV)/bin
PARALLEL ?= auto

.PHONY: demo test check spark bench chaos kills soak lock clean setup

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed; set PYTHON=") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $@

demo: setup
	$(BIN)/crosswalk demo

test: setup
	$(BIN)/python -m pytest -n $(PARALLEL) --dist worksteal

# Matching on Spark: wants Java, and takes an environment of its own, since Spark is large and nothing else needs it.
spark: $(SPARK)/.ready
	$(SPARK)/bin/python -m pytest -p no:cacheprovider tests/mapping/match/test_spark.py tests/crosswalk/engine/test_spark.py

$(SPARK)/.ready: requirements.lock pyproject.toml
	$(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check -e '.[spark]' hypothesis pytest
	touch $@

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m compileall -q connectors mapping scheduler crosswalk sandbox
	$(BIN)/python -m bench
	$(BIN)/python -m bench.vendors

# A daemon left alone with the simulated vendors, people who edit and faults: make soak MINUTES=60
# Two of them on a PostgreSQL of their own: make soak POSTGRESQL=1
MINUTES ?= 60
ON_POSTGRESQL := $(if $(POSTGRESQL),--postgresql)
soak: setup
	$(BIN)/python -m tests.soak --minutes $(MINUTES) $(ON_POSTGRESQL)

# Random histories of the engine and of its merge alone, on all cores: make chaos HISTORIES=1000
HISTORIES ?= 10000
chaos: setup
	$(BIN)/python -m tests.chaos --histories $(HISTORIES)

# A daemon that is killed again and again, at any moment and at each named step: make kills KILLS=20
# Beside a second one that stands still now and then, on a PostgreSQL of their own: make kills POSTGRESQL=1
KILLS ?= 200
kills: setup
	$(BIN)/python -m tests.kills --kills $(KILLS) $(ON_POSTGRESQL)

lock:
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header --extra dev pyproject.toml -o requirements.lock

clean:
	rm -rf $(VENV) $(SPARK) .mypy_cache .ruff_cache .hypothesis .chaos crosswalk-demo
