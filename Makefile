# make demo       the main job: pre-train, evaluate, write tables (15 minutes on 2 cores)
# make test       unit, golden, conformance and end-to-end tests (10 minutes on 2 cores)
# make test-full  the long conformance and statistical tests (60 minutes on 2 cores)
# make real       the same on the real radiographs that MACO_BENCH_REAL_DATA names
# make check      ruff, mypy, import rules
# make bench      performance ratios
# Each sets up .venv when it is missing or stale.

PYTHON ?= python3
BIN := .venv/bin
STAMP := .venv/.installed
export MPLBACKEND := Agg

REAL := cache/real-data
# Two processes; a file's tests share one, and the files are taken in the order of tests/conftest.py.
SHARED := -n 2 --dist loadfile --no-loadscope-reorder

.PHONY: demo real test test-full check bench format

demo: $(STAMP)
	$(BIN)/python run_all.py --suite maco-demo --profile demo

real: $(STAMP)
	$(BIN)/python -m tests.real_data.convert nih_cxr14 rsna_pneumonia csv_pairs lists $(REAL)
	$(BIN)/python run_all.py --suite real-pixels --profile toy --corpus csv_pairs --data-root $(REAL)

test: $(STAMP)
	$(BIN)/python -m pytest $(SHARED) -m "not full and not performance" $(PYTEST_OPTIONS)

test-full: $(STAMP)
	$(BIN)/python -m pytest $(SHARED) -m "full and not performance" $(PYTEST_OPTIONS)

check: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: $(STAMP)
	$(BIN)/python -m pytest tests/performance -m performance -s $(PYTEST_OPTIONS)

format: $(STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(STAMP): requirements.txt pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv --clear .venv
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip install --python $(BIN)/python --compile-bytecode -r requirements.txt
	$(BIN)/uv pip install --python $(BIN)/python --no-deps -e .
	touch $(STAMP)
