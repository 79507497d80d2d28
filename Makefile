# Needs make and a Python of 3.11 or newer; everything else is installed into $(VENV).
#
#   make demo DEMO=moons          one demo instead of the tour
#   make demo DEMO=mnist ARGS="--model conv"   … with arguments of its own
#   make test ARGS="-k relu -x"   arguments for pytest; ARGS=--cov measures coverage
#   make test JOBS=               … in one process, which --pdb needs
#   make test PYTHON=python3.13 VENV=.venv-3.13
#   make test EXTRAS=dev,browser   … with the tests of pages, which need a Chromium
#   make bench ARGS="moons mnist"  some of the benchmarks; ARGS=--report writes their page again

PYTHON ?= python3
VENV   ?= .venv
EXTRAS ?= dev
DEMO   ?=
ARGS   ?=
JOBS   ?= --numprocesses auto --maxprocesses 8 --dist loadfile

python := $(VENV)/bin/python
ready  := $(VENV)/.ready-$(EXTRAS)
peers  := .venv-bench/.peers

# A folder of data sets beside the checkout spares everyone a download.
ifeq ($(TWINGRAD_DATA),)
ifneq ($(wildcard ../shared/data),)
export TWINGRAD_DATA := $(CURDIR)/../shared/data
endif
endif

# Some machines forbid Python to keep what it compiles. Then every worker of the tests, and every
# program that a test or a demo starts, compiles NumPy, matplotlib and the tests themselves anew.
export PYTHONDONTWRITEBYTECODE =

# Tests run side by side already, and a matrix product that takes all cores would stop the others.
test: export OPENBLAS_NUM_THREADS = 1

.PHONY: help demo test check bench pictures format clean

help: ## list the targets
	@sed -n 's/^\([a-z]*\):[^#]*## /  make \1\t/p' Makefile

demo: $(ready) ## run the tour, or one demo: make demo DEMO=moons
	@test -f "demos/$(or $(DEMO),__main__).py" || { \
	  echo 'There is no demo "$(DEMO)"; there are expressions, xor, moons, digits, vanishing, mnist and mnist_study.' >&2; exit 1; }
	@$(python) -m demos$(if $(DEMO),.$(DEMO)) $(ARGS)

test: $(ready) ## run the tests and every example in the documents and docstrings
	@$(python) -m pytest $(JOBS) $(ARGS)

check: $(ready) ## lint, formatting, types, direction of imports
	@$(python) -m ruff check .
	@$(python) -m ruff format --check .
	@$(python) -m mypy
	@$(python) $(VENV)/bin/lint-imports --no-logo

bench: $(peers) ## race the peers, in an environment of their own; five minutes
	@.venv-bench/bin/python -m benchmarks $(ARGS)

pictures: $(ready) ## draw the pictures of the documents again (EXTRAS=dev,browser)
	@$(python) -m demos.expressions --out docs/images
	@$(python) -m demos.moons --out docs/images
	@rm docs/images/moons_loss.png docs/images/*.html
	@$(python) -m demos.gallery
	@$(python) -m demos.diagnosis

format: $(ready) ## rewrite the code in the project's format
	@$(python) -m ruff check --fix .
	@$(python) -m ruff format .

clean: ## remove the environment, caches and outputs
	rm -rf $(VENV) .venv-bench outputs build dist htmlcov .coverage
	rm -rf .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +


# --- The environment ------------------------------------------------------------------------------

install := install --quiet --constraint constraints.txt --editable '.[$(EXTRAS)]'

# uv takes half the time of pip, but nobody is asked to have it: pip may fetch it, and where that or
# uv itself fails, pip does the work and tells what is wrong.
$(ready): pyproject.toml constraints.txt | $(python)
	@echo 'Setting up $(VENV), once; this takes less than a minute ...'
	@command -v uv >/dev/null || $(python) -m pip install --quiet uv >/dev/null 2>&1 || true
	@PATH="$$PATH:$(CURDIR)/$(VENV)/bin"; \
	  uv pip $(install) --python $(python) >/dev/null 2>&1 || $(python) -m pip $(install)
	@touch $@

# A peer that cannot be installed is said to be absent; `rm $(peers)` has it tried again.
$(peers): pyproject.toml constraints.txt
	@$(MAKE) --no-print-directory VENV=.venv-bench EXTRAS=dev .venv-bench/.ready-dev
	@echo 'Installing the peers, PyTorch among them; this takes a minute or two ...'
	@.venv-bench/bin/python -m benchmarks.peers
	@touch $@

# Debian's python3 comes without ensurepip, which venv needs; uv and virtualenv do not.
$(python):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo 'twingrad needs Python 3.11 or newer, and "$(PYTHON)" is not.' >&2; \
	  echo 'Name another one: make PYTHON=python3.12' >&2; \
	  exit 1; }
	@said=$$($(PYTHON) -m venv $(VENV) 2>&1) \
	  || uv venv --quiet --seed --clear --python $(PYTHON) $(VENV) 2>/dev/null \
	  || $(PYTHON) -m virtualenv --quiet --clear $(VENV) 2>/dev/null \
	  || { rm -rf $(VENV); \
	    echo "$$said" >&2; \
	    echo '"$(PYTHON) -m venv" failed, and neither uv nor virtualenv is there to replace it.' >&2; \
	    echo 'On Debian and Ubuntu: apt-get install python3-venv' >&2; \
	    exit 1; }
