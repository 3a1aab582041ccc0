# make demo [CORPUS=DIR]   install, run the quick second-screen scenarios, write a report
# make test                install, run the unit tests and then the scenario suite
# make lint                style and import borders
# PYTHON=python3.12 picks another interpreter for the virtual environment, JOBS=N the worker processes.

PYTHON ?= python3
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
CORPUS ?=
export PYTHON
# Work is spread over processes; threads inside one only compete for the same cores.
export OMP_NUM_THREADS = 1
export PRA_NUM_THREADS = 1

LAB = .venv/bin/lab
PYTEST = .venv/bin/python -m pytest

.PHONY: demo test lint clean

demo: .venv/installed-runtime
	rm -rf runs/demo runs/demo-recordings
	$(LAB) run scenarios/second_screen --tag quick --jobs $(JOBS) --out runs/demo
ifneq ($(CORPUS),)
	# A handful of trials decides nothing: any verdict will do, only an error stops the demo.
	$(LAB) run scenarios/second_screen/distance.toml --corpus "$(CORPUS)" --trials 8 --jobs $(JOBS) \
		--out runs/demo-recordings || [ $$? -le 2 ]
endif

test: .venv/installed-dev
	$(PYTEST) -n 2 --dist loadfile tests
	$(PYTEST) scenarios/second_screen -m quick
	$(PYTEST) scenarios/presence -m quick --lab-inconclusive skip

lint: .venv/installed-dev
	.venv/bin/ruff check .
	.venv/bin/lint-imports

.venv/installed-runtime: requirements/runtime.txt requirements/install.sh pyproject.toml
	requirements/install.sh runtime

.venv/installed-dev: .venv/installed-runtime requirements/dev.txt
	requirements/install.sh dev

clean:
	rm -rf .venv
