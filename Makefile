# make run: the demo.  make test: the tests.  make check: format, lint, types.  make bench: the benchmarks.
# make fuzz: hostile pages for ten minutes.  make soak: that, and thirty nights on one home (an hour or two).
# make docs: the reference pages.  make lock: renew the locks.  make audit: known faults of the locked packages.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test check bench fuzz soak format docs lock audit clean

run: $(VENV)/.runtime
	$(BIN)/genreflow demo

# In the order of the folders: the long tests of whole runs begin, and no process is left alone with one at the end.
test: $(VENV)/.dev
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

check: $(VENV)/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

# Both sides in one run, as ratios; best with nothing else running. Peers takes hours and goes on where it was cut short.
bench: $(VENV)/.runtime
	$(BIN)/python -m benchmarks.crawl
	$(BIN)/python -m benchmarks.import_csv
	$(BIN)/python -m benchmarks.clean
	$(BIN)/python -m benchmarks.word2vec
	$(BIN)/python -m benchmarks.thresholds
	$(BIN)/python -m benchmarks.growth --folder bench/growth
	@if [ -n "$$GENREFLOW_TITLES" ]; then rm -rf bench/pipeline && $(BIN)/python -m benchmarks.pipeline --home bench/pipeline && \
	$(BIN)/python -m benchmarks.predict --home bench/pipeline && $(BIN)/python -m benchmarks.train --home bench/pipeline && \
	$(BIN)/python -m benchmarks.peers; \
	else echo "benchmarks of trained models: skipped, GENREFLOW_TITLES names no titles file"; fi

# A coverage-guided fuzzer on the page parsers. Its package runs on Linux alone, so it is installed here and not locked.
FUZZ_SECONDS ?= 600
FUZZER = import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['dependency-groups']['fuzz'])
fuzz: $(VENV)/.dev
	$(BIN)/python -m pip install --quiet "$$($(BIN)/python -c "$(FUZZER)")"
	PYTHONPATH=.:tests:tests/scraper $(BIN)/python tests/fuzz/fuzz_pages.py --seconds $(FUZZ_SECONDS)

# Once a release; figures and a plot of them in soak/.
soak: fuzz
	rm -rf soak
	$(BIN)/python -m benchmarks.soak --home soak/home --plot soak/soak.png

format: $(VENV)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# What docs/ tells of keys and commands, from the configuration and the commands themselves.
docs: $(VENV)/.runtime
	$(BIN)/python -m docs.reference

# pip keeps to one core: two of them install half of the lock each, neighbours together because some share a folder. It
# would compile every module, which takes as long as the rest: Python compiles those that are imported, a third, once,
# unless this variable tells it not to keep them.
HALVES := awk '/^[a-z]/ {file = $$0 < "t" ? "a-s" : "t-z"} {print > "$(VENV)/" file ".lock"}'
INSTALL := xargs -P 2 -I HALF $(BIN)/python -m pip install --quiet --no-compile --no-deps --require-hashes -r $(VENV)/HALF.lock
unexport PYTHONDONTWRITEBYTECODE

# The marker is written last, so a broken installation is taken up again.
define install
	$(PYTHON) -c "import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and 'genreflow needs Python 3.11, 3.12 or 3.13')"
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "installing the locked packages, about 2.5 GB: a few minutes"
	$(HALVES) $(1)
	printf 'a-s\nt-z\n' | $(INSTALL)
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	touch $(2)
endef

$(VENV)/.runtime: requirements.lock pyproject.toml
	$(call install,$<,$@)

# The developers' lock has the users' packages too: from nothing, all are installed in one go.
$(VENV)/.dev: requirements-dev.lock requirements.lock pyproject.toml
	$(call install,$<,$(VENV)/.runtime $@)

# Exact versions with hashes for Python 3.11 to 3.13 and every platform, and no index's address.
LOCK := uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --quiet pyproject.toml
lock:
	$(LOCK) --group build --output-file requirements.lock
	$(LOCK) --group dev --constraint requirements.lock --output-file requirements-dev.lock

# Asks PyPI for the known faults of each locked version; fails where one cannot be asked for (no network, a mirror).
audit:
	test -x .audit/bin/pip-audit || { $(PYTHON) -m venv .audit && .audit/bin/python -m pip install --quiet pip-audit==2.10.1; }
	.audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock
	.audit/bin/pip-audit --strict --require-hashes --disable-pip --requirement requirements-dev.lock

clean:
	rm -rf $(VENV) .audit .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build
