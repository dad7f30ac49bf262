# Everything from an empty folder: `make demo`, `make test`. Each target installs what it needs first.
PYTHON ?= python3
BIN := .venv/bin
RUNS ?= runs
QUICK ?=
ONLY ?=
FULL ?=
EXECUTOR ?=

.PHONY: install demo test test-gpu test-lowest test-newest campaign cluster-test check format figures docs bench clean

install: .venv/installed

.venv/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,docs]"
	touch $@

demo: install
	$(BIN)/python -m training modadd_fast --out $(RUNS)
	$(BIN)/python -m analyses.grokking --run $(RUNS)/modadd_fast
	$(BIN)/python -m analyses.fourier --run $(RUNS)/modadd_fast
	$(BIN)/python -m analyses.graph_props --run $(RUNS)/modadd_fast
	$(BIN)/python -m figures.explorer --run $(RUNS)/modadd_fast --all

test: install
	$(BIN)/python -m pytest -n auto --dist loadgroup

# Tests that need a GPU; `make test` leaves them out, and computes on the CPU everywhere.
test-gpu: install
	$(BIN)/python -m pytest -m gpu

# The same tests with every dependency at its lowest or its newest allowed version, torch excepted.
test-lowest test-newest: test-%:
	$(PYTHON) -m venv --clear build/$*
	grep "^torch==" constraints.txt > build/$*/versions.txt
	$(if $(filter lowest,$*),$(PYTHON) tests/lowest_versions.py >> build/$*/versions.txt)
	build/$*/bin/python -m pip install --quiet --disable-pip-version-check -c build/$*/versions.txt -e ".[dev]"
	build/$*/bin/python -m pytest -n auto --dist loadgroup

# Kills, malformed inputs, shapes of runs, faults in writes; seeded. The end has the counts by class.
campaign: install
	$(BIN)/python tests/campaigns

# Workers, jobs and drivers killed over a Slurm of one node on 127.0.0.1, which is installed where this user may.
cluster-test: install
	$(BIN)/python tests/cluster

check: install
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/mypy

format: install
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

# Trains what is missing (resuming what was begun), measures it and draws every figure of the papers.
# QUICK=1: the quick versions of all recipes; ONLY="name name": these figures; EXECUTOR=slurm: on a cluster.
figures: install
	$(BIN)/python -m figures make $(ONLY) $(if $(QUICK),--quick) $(if $(EXECUTOR),--executor $(EXECUTOR)) --runs $(RUNS)

# The site in build/site: pages, and the pages made of the schemas, recipes and docstrings. Needs no network.
docs: install
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

# BENCHMARKS.md; nothing else should run meanwhile. FULL=1: more and longer rounds, and growth with size.
bench: install
	$(BIN)/python -m training.bench --write BENCHMARKS.md $(if $(FULL),--full)
	$(BIN)/python -m analyses.bench --write BENCHMARKS.md $(if $(FULL),--full)

clean:
	rm -rf .venv build *.egg-info
