# make run      serve the add-on at http://127.0.0.1:7000
# make test     all tests, without any network but loopback; ARGS go to pytest: make test ARGS=tests/web
# make lint     style and types
# make bench    how fast it is, beside bare libtorrent; ARGS go to the benchmark
# make soak     ten minutes of 30 restless viewers; ARGS="--minutes 2" for fewer

PYTHON ?= python3
PY := .venv/bin/python

# A stamp is named after what it stands for, so a change of requirements or of Python asks for a new
# one; it is made last, so an installation that failed leaves none.
wanted = $(shell ($(PYTHON) -V; cat $(1)) 2>&1 | cksum | cut -d ' ' -f 1)
RUN := .venv/run-$(call wanted,requirements.txt)
DEV := .venv/dev-$(call wanted,requirements.txt tests/requirements.txt)
PIP := $(PY) -m pip --disable-pip-version-check --quiet install

.PHONY: run test lint bench soak

run: $(RUN)
	@exec $(PY) -m gunicorn -c python:addon.server wsgi:app

test: $(DEV)
	@exec $(PY) -m tests.house.halves $(ARGS)

lint: $(DEV)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(PY) -m mypy --config-file addon/kodi/.mypy.ini

bench: $(DEV)
	@exec $(PY) -m tests.house.isolated $(PY) -m tests.bench $(ARGS)

soak: $(DEV)
	@exec $(PY) -m tests.house.isolated $(PY) -m tests.bench.soak $(ARGS)

$(RUN):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Self-Streme needs Python 3.11 or later. To name one: make $(MAKECMDGOALS) PYTHON=python3.12'; exit 1; }
	@echo 'Installing into .venv …'
	@$(PYTHON) -m venv --clear .venv
	@$(PIP) -r requirements.txt
	@touch $@

$(DEV): $(RUN)
	@$(PIP) -r tests/requirements.txt
	@touch $@
