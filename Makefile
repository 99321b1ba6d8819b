# Every target works on a fresh clone: it makes .venv first, and again when the pins change.
.DELETE_ON_ERROR:
.PHONY: install demo test check fast format lint types bench-judgement bench-upload bench-ingest bench-views drill clean

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
VIDEOS ?=
WORKERS ?= 2
N ?= 30
KILLS ?= 10
SEED ?=
DATABASE ?=
NEW ?=

install: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "PostFlow needs Python 3.11 or newer; set PYTHON=/path/to/python3.11."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--constraint constraints.txt --editable '.[dev]'
	touch $@

# Six reviews on the real programs and a simulated Frame.io; VIDEOS=/folder takes your own files.
demo: $(READY)
	$(BIN)/postflow demo $(if $(VIDEOS),--videos "$(VIDEOS)")

test: $(READY)
	$(BIN)/pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder

# Domain tests only: no server, no database, under a minute.
fast: $(READY)
	$(BIN)/pytest tests/domain tests/test_architecture.py

check: format lint types test

format: $(READY)
	$(BIN)/ruff format --check .

lint: $(READY)
	$(BIN)/ruff check .

types: $(READY)
	$(BIN)/mypy

# How well comments are read, and how fast; figures and errors.
bench-judgement: $(READY)
	$(BIN)/python -m tools.judgement.bench

# PostFlow's uploader beside curl and the official SDK, into a local nginx (Debian: nginx).
bench-upload: $(READY)
	$(BIN)/python -m bench.upload $(UPLOAD_BENCH)

# All promises at once, under kills, faults and outages; DATABASE=sqlite or postgresql takes one,
# SEED=… repeats a plan, NEW=1 forgets a long drill that was interrupted; see docs/drill.md.
drill: $(READY)
	$(BIN)/python -m tools.drill --uploads $(N) --kills $(KILLS) \
		$(if $(DATABASE),--database $(DATABASE)) $(if $(SEED),--seed $(SEED)) $(if $(NEW),--new)

# Statistics and waiting list at 1 000 to 100 000 uploads, on SQLite and PostgreSQL.
bench-views: $(READY)
	$(BIN)/python -m bench.views $(VIEWS_BENCH)

# PostFlow's webhook beside a route that stores nothing (Debian: wrk), and the way to a resume.
bench-ingest: $(READY)
	$(BIN)/python -m bench.ingest $(INGEST_BENCH)
	$(BIN)/python -m bench.verdicts $(VERDICT_BENCH)

clean:
	rm -rf .demo .drill .pytest_cache .ruff_cache .mypy_cache
