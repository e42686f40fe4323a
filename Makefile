# Every target installs what it needs into .venv; `make demo` and `make test` are complete by themselves.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
# what is compiled once is not compiled by every process again
export PYTHONDONTWRITEBYTECODE =
.PHONY: help demo test test-all test-inference test-slurm test-ray study bench bench-quick bench-gpu bench-sweep docs notebooks lint format lock wheel clean

help:  ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 18

demo: $(READY)  ## the main job without any download: EfficientNet-Lite0 on the made benchmark `levels`
	$(BIN)/iqa-lab run 'readout=[plain,lpips,cosine,mean]'

# several processes of one thread each: most tests compose configurations, which is not parallel by itself. Each begins
# with tests that stand together, which share networks and configurations, and takes from the others when it is done
TEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n auto --maxprocesses 4 --dist worksteal

test: $(READY)  ## the tests, six to seven minutes on two cores
	$(TEST)

test-inference: $(READY)  ## how often verdicts and intervals are wrong, simulated; minutes
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -s -m slow tests/statistics/factors/test_simulation.py

test-all: $(READY)  ## the slow tests too
	$(TEST) -m ''

test-slurm: $(READY)  ## a real sweep on a real SLURM, which is installed here: as root, on a Debian of its own
	$(BIN)/python -m tests.launchers.slurm

RAY := .venv-ray
test-ray: $(READY)  ## a real sweep on a Ray cluster of two nodes on this machine, in an environment of its own
	@test -x $(RAY)/bin/python || $(PYTHON) -m venv $(RAY)
	$(BIN)/python -m uv pip install --quiet --python $(RAY)/bin/python -r requirements-ray.lock
	$(BIN)/python -m uv pip install --quiet --python $(RAY)/bin/python --no-deps -e .
	$(RAY)/bin/python -m tests.launchers.ray_nodes

bench-sweep: $(READY)  ## what a sweep costs besides its units: ten thousand simulated ones
	$(BIN)/python bench/sweep.py

# a study of experiments/: its sweep, which does only what is missing, then its page; what failed is named in both
study: $(READY)  ## NAME=task: run a study and write its report
	@test -n "$(NAME)" || { echo 'which one? make study NAME=task; see experiments/README.md'; exit 1; }
	$(BIN)/iqa-lab sweep experiment=$(NAME) || true
	$(BIN)/iqa-lab report experiment=$(NAME)

bench-quick: $(READY)  ## does every script of bench/ still run? a minute
	$(BIN)/python -m bench.quick

bench-gpu: $(READY)  ## everything that is to be known of a GPU, in one command of ten minutes at most
	$(BIN)/python -m bench.gpu

bench: $(READY)  ## how fast the pass is, each line beside its rival; a quarter of an hour
	$(BIN)/python bench/speed.py

# offline and strict: a broken link, an unknown name or a page outside the menu fails it
docs: $(READY)  ## the site of docs/, in site/index.html; seconds
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

notebooks: $(READY)  ## run the notebooks of docs/; a minute
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -q -n 2 tests/test_documentation.py -k test_a_notebook_runs

lint: $(READY)  ## style and types
	$(BIN)/ruff check iqa_lab tests bench hydra_plugins docs
	$(BIN)/ruff format --check iqa_lab tests bench hydra_plugins docs
	$(BIN)/mypy

format: $(READY)  ## mend the style
	$(BIN)/ruff check --fix iqa_lab tests bench hydra_plugins docs
	$(BIN)/ruff format iqa_lab tests bench hydra_plugins docs

# the extra ray has an environment of its own: it wants other versions than joblib does
LOCK := $(BIN)/python -m uv pip compile --quiet pyproject.toml --universal --python-version 3.11 \
	--upgrade --no-emit-index-url --no-annotate --no-header

lock: $(READY)  ## pin the newest versions that pyproject.toml allows
	$(LOCK) $(foreach extra,demo dev docs joblib oracles slurm torchmetrics,--extra $(extra)) -o requirements.lock
	$(LOCK) --extra ray -o requirements-ray.lock

wheel: $(READY)  ## build the package into dist/
	$(BIN)/python -m build --wheel

clean:  ## remove what the targets made (not data/, results/ or wandb/)
	rm -rf $(VENV) $(RAY) dist site .mypy_cache .ruff_cache .pytest_cache .hypothesis

# TORCH=cpu leaves out CUDA, 5 of 6 GB; TORCH=cu126 and the like take torch for that version of CUDA.
TORCH ?= cuda
ifeq ($(TORCH),cuda)
SIZE := about 6 GB, since torch for Linux comes with CUDA; TORCH=cpu makes it 1 GB
WITHOUT_CUDA := cat
else
SIZE := torch for $(TORCH), from PyTorch itself
WITHOUT_CUDA := grep -vE '^(nvidia|cuda|triton)'
BACKEND := --torch-backend $(TORCH)
endif

# uv installs in seconds what takes pip minutes; where it cannot be had, pip does the same.
$(READY): pyproject.toml requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'iqa_lab needs Python 3.11 or newer: make PYTHON=python3.11 ...'; rm -rf $(VENV); exit 1; }
	@echo 'installing into $(VENV): $(SIZE)'
	@$(WITHOUT_CUDA) requirements.lock > $(VENV)/requirements.txt
	@if $(BIN)/python -m pip install --quiet --disable-pip-version-check uv 2>/dev/null; then \
		$(BIN)/python -m uv pip install --compile-bytecode --python $(BIN)/python $(BACKEND) -r $(VENV)/requirements.txt && \
		$(BIN)/python -m uv pip install --quiet --python $(BIN)/python --no-deps -e .; \
	elif [ '$(TORCH)' != cuda ]; then \
		echo 'TORCH=$(TORCH) needs uv, which could not be installed: leave TORCH out, or pip install uv'; exit 1; \
	else \
		$(BIN)/python -m pip install -r $(VENV)/requirements.txt && \
		$(BIN)/python -m pip install --quiet --no-deps -e .; \
	fi
	@touch $(READY)
