.DEFAULT_GOAL := help
PY := .venv/bin/python
STAMP := .venv/.requirements
export PYTHONDONTWRITEBYTECODE :=
export DVC_NO_ANALYTICS := 1
export GX_ANALYTICS_ENABLED := false

help:      ## Show what there is
	@grep -E '^[a-z-]+: .*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

$(STAMP): requirements/bootstrap.lock requirements/dev.lock pyproject.toml
	test -x $(PY) || python3 -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/bootstrap.lock
	.venv/bin/uv pip sync --quiet --python $(PY) --require-hashes --compile-bytecode requirements/dev.lock
	.venv/bin/uv pip install --quiet --python $(PY) --no-deps --no-build-isolation --compile-bytecode -e .
	touch $(STAMP)

setup: $(STAMP)  ## Make .venv from the hashed lock

demo: setup  ## Three nights on the shipped sample, under workspace/
	.venv/bin/foretaste demo --workspace workspace

test: setup  ## Run the tests
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder -m "not extra"

test-all: setup  ## Run the tests, PostgreSQL, the whole browser suite and more faults
	.venv/bin/pytest -n 2 --dist loadfile --no-loadscope-reorder

check: setup  ## Lint, format, types, import layers, dependencies
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/uv pip check --quiet --python $(PY)

bench: setup  ## Time a whole night of 100,000 and of 1,000,000 contributions
	$(PY) -m benchmarks.speed

bench-actors: setup  ## Measure who is really one; DATA=FOLDER adds the real graphs
	$(PY) -m benchmarks.actors $(if $(DATA),--data $(DATA))

bench-ab: setup  ## Measure how often an A/B test errs, and how soon it sees harm
	$(PY) -m benchmarks.ab

bench-gates: setup  ## Measure which candidates gates hold, on simulated nights; DATA=FOLDER adds real mail
	OMP_NUM_THREADS=1 $(PY) -m benchmarks.gates.nights $(if $(DATA),--data $(DATA))
	OMP_NUM_THREADS=1 $(PY) -m benchmarks.gates.bisect --seeds 3 --jobs 2
	OMP_NUM_THREADS=1 $(PY) -m benchmarks.gates.harm $(if $(DATA),--data $(DATA))
	OMP_NUM_THREADS=1 $(PY) -m benchmarks.gates.certificates $(if $(DATA),--data $(DATA))

bench-efficacy: setup  ## Measure what is found, beside the peers; DATA=FOLDER adds real sets
	OMP_NUM_THREADS=1 $(PY) -m benchmarks.efficacy --jobs 2 $(if $(DATA),--data $(DATA))
	$(if $(DATA),$(PY) -m benchmarks.crowds --data $(DATA))

bench-drift: setup  ## Measure what real drift costs, and the same from few; needs DATA=FOLDER
	$(PY) -m benchmarks.drift --data $(DATA)

bench-desk: setup  ## Time the review desk's pages: 20 people at 5,000 cases
	$(PY) -m benchmarks.desk

peers:     ## Make .venv-peers, where benchmarks find peers that cannot live beside foretaste
	test -x .venv-peers/bin/python || python3 -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check -r requirements/peers.txt

lock:      ## Make the locks anew
	cd requirements && ../.venv/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" dev.in -o dev.lock
	cd requirements && ../.venv/bin/uv pip compile --quiet --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" bootstrap.in -o bootstrap.lock

docs: setup  ## Write docs/policy.md from the code
	$(PY) docs/make_policy.py

clean:     ## Remove the demo workspace and caches
	rm -rf workspace workspace.remote .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help setup demo test test-all check bench bench-actors bench-ab bench-gates bench-efficacy bench-drift bench-desk peers docs lock clean
