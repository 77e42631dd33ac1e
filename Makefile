# Two commands to know: `make up` and `make test`. They set everything up; the second time that takes no time.
#
#   PYTHON   the interpreter to build on, 3.11 or newer     make up PYTHON=python3.12
#   ROUNDS   how often make chaos kills                     make chaos ROUNDS=200
#   JOBS     how many tests run side by side                make test JOBS=1
#   SEED     what make fuzz and make chaos draw             make fuzz SEED=42 ARGS=tests/core
#   ARGS     what to pass on                                make up ARGS=--empty · make test ARGS=tests/cli

OLD_ENOUGH := import sys; sys.exit(sys.version_info < (3, 11))
PYTHON ?= $(shell for each in python3 python3.13 python3.12 python3.11; do \
	$$each -c "$(OLD_ENOUGH)" 2>/dev/null && echo $$each && break; done)
VENV ?= .venv
BIN := $(VENV)/bin
# No bytecode is written while installing: Python does that for what is really used, when it is first used.
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile
UV ?= uv
LOCK := $(UV) pip compile pyproject.toml --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --no-annotate
ARGS ?=
ROUNDS ?= 40
JOBS ?= auto
OFTEN := not bench and not long
# Drawn where nobody names one.
ifndef SEED
SEED := $(shell od -An -N3 -tu4 /dev/urandom | tr -d ' ')
endif
# Without bytecode each test process, and each program that a test starts, compiles everything anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help up test quick fuzz check shape bench scores precision habits replay chaos lock clean

help: ## say what there is to make
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/make \1\t\2/' | expand -t 14

up: $(VENV)/.runs ## start the hub on this machine, with a story to look at (ARGS=--empty for none)
	@exec $(BIN)/kinline up $(ARGS)

# What it draws is the same each time, the order of sets with it; make fuzz draws otherwise.
test: export PYTHONHASHSEED = 0
test: $(VENV)/.tests ## run all tests (ARGS names some)
	@$(BIN)/pytest -q -m "$(OFTEN) and (chaos or alone)" $(ARGS); one=$$?; \
	$(BIN)/pytest -q -n $(JOBS) --dist loadfile -m "$(OFTEN) and not (chaos or alone)" $(ARGS); two=$$?; \
	for each in $$one $$two; do [ $$each = 0 ] || [ $$each = 5 ] || exit $$each; done  # 5: ARGS names none of these

quick: export PYTHONHASHSEED = 0
quick: $(VENV)/.tests ## run what needs no server and takes no time, on SQLite
	@$(BIN)/pytest -q -n $(JOBS) --dist loadfile -m "$(OFTEN) and not (chaos or alone or drawn or server)" \
		-k "not postgresql" --ignore=tests/broken --ignore=tests/core/test_fault_matrix.py $(ARGS)

fuzz: export PYTHONHASHSEED = $(SEED)
fuzz: $(VENV)/.tests ## draw other tests than make test does, and more of them (SEED draws the same again)
	@$(BIN)/pytest -q -n $(JOBS) --dist loadfile --timeout 3600 --hypothesis-profile=fuzz --hypothesis-seed=$(SEED) \
		-m "$(OFTEN) and drawn and not alone" $(ARGS) || \
	{ echo "The same again: make fuzz SEED=$(SEED) ARGS=<what failed>"; exit 1; }

check: $(VENV)/.tests ## lint, format, types, layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

shape: $(VENV)/.tests ## say what shape the house is in, in numbers, and which of them grew
	@$(BIN)/python bench/shape.py $(ARGS)

bench: $(VENV)/.tests ## compare rates side by side, on both databases
	@$(BIN)/python bench/run.py $(ARGS)

scores: $(VENV)/.tests ## ask what others' test data asks, and let no answer get worse
	@$(BIN)/python bench/scores.py $(ARGS)

precision: $(VENV)/.tests ## how often the scorer is right, in English and Spanish (ARGS="--umsab FOLDER" for tweets)
	@$(BIN)/python bench/precision.py $(ARGS)

habits: $(VENV)/.tests ## compare the model of broken habits with a fixed threshold and others
	@$(BIN)/python bench/habits.py $(ARGS)

chaos: $(VENV)/.tests ## kill processes at random moments, many rounds
	@KINLINE_TEST_SEED=$(SEED) KINLINE_TEST_ROUNDS=$(ROUNDS) $(BIN)/pytest -q -s -m chaos --timeout 3600 $(ARGS)

replay: $(VENV)/.tests ## live through all of CDNOW's orders day by day, on both databases (two to three minutes)
	@KINLINE_TEST_REPLAY=all $(BIN)/pytest -q -rs --durations=4 tests/core/test_replay.py $(ARGS)

lock: ## pin all dependencies anew, with hashes (needs uv)
	@command -v $(UV) >/dev/null || { echo "make lock needs uv: pip install uv"; exit 1; }
	$(LOCK) --upgrade --extra testing --group dev --output-file requirements-dev.lock
	$(LOCK) --constraint requirements-dev.lock --group build --output-file requirements.lock

clean: ## remove what make made, not your data
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist build

# A virtual environment with what the hub needs to run, and then with what its tests need. The stamps say how far
# it came; a changed lock starts again.

$(VENV)/.runs: requirements.lock pyproject.toml
	@test -n "$(PYTHON)" || { echo "Kinline needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c "$(OLD_ENOUGH)" || { echo "$(PYTHON) is too old: Kinline needs Python 3.11 or newer."; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) …"
	@$(PYTHON) -m venv --clear $(VENV) || { echo "This Python cannot make virtual environments." \
		"On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@$(PIP) --require-hashes --requirement requirements.lock
	@$(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/.tests: requirements-dev.lock $(VENV)/.runs
	@echo "Adding what the tests need …"
	@$(PIP) --require-hashes --requirement requirements-dev.lock
	@touch $@
