# Two words do everything on a fresh machine: `make demo` and `make test`. Both create and use .venv.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
PYTHON ?= python3
BIN := .venv/bin
# On 2 cores: a third of the time of most tests is spent waiting, for ssh, services and deadlines.
WORKERS ?= 3
# Ansible refuses the C locale, which cron and CI have.
export LC_ALL := C.UTF-8
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test test-deep test-all bench lint check packages lock mutants test-trixie

.venv/installed: pyproject.toml .ci/lock.txt
	@$(PYTHON) .ci/make_venv.py .venv .ci/lock.txt
	@touch $@

.venv/installed-dev: pyproject.toml .ci/lock-dev.txt
	@$(PYTHON) .ci/make_venv.py .venv .ci/lock-dev.txt
	@touch .venv/installed $@

lock:  ## Pin the newest versions, with hashes, for every Python that we support
	@.ci/lock

demo: .venv/installed  ## The main job on a throwaway sandbox, no privileges needed
	@$(BIN)/python -m deployer demo

packages:
	@.ci/packages

lint: .venv/installed-dev
	@.ci/lint

test: packages .venv/installed-dev  ## Every linter, every test of every day, and the benchmarks with slack
	@.ci/lint
	@.ci/tests -n $(WORKERS) -m "not benchmark"
	@.ci/tests -m benchmark --reruns 2

test-deep: packages .venv/installed-dev  ## Cases of the deep tests, drawn by day and commit, as many as the budget pays for
	@TESTS_TIER=deep .ci/tests -n $(WORKERS) -m "not benchmark" --durations 10
	@TESTS_TIER=deep .ci/tests -m benchmark --reruns 2

test-all: packages .venv/installed-dev  ## Every case of everything: an hour and more
	@.ci/lint
	@TESTS_TIER=all .ci/tests -n $(WORKERS) -m "not benchmark" --durations 20
	@TESTS_TIER=all .ci/tests -m benchmark --reruns 2

# They have the machine for themselves: beside another worker they would measure that one. One that fails is measured
# again, twice at most: other machines may share the cores, and then it measures those.
bench: packages .venv/installed-dev  ## Every benchmark, held to its bound
	@TESTS_TIER=all TESTS_BENCH=strict .ci/tests -m benchmark --reruns 2

check: .venv/installed-dev  ## The quick gate before a commit: linters and unit tests
	@.ci/lint
	@$(BIN)/python -m pytest tests/unit tests/contract

mutants: packages .venv/installed-dev  ## Change the core in small ways and see whether the tests notice (doc/quality.md)
	@$(BIN)/python -m tests.mutation $(MUTANTS)

test-trixie: packages  ## Tests in a Debian 13 made for them: all that is cheap, and a share of the others that changes each day
	@$(PYTHON) .ci/world.py trixie -n $(WORKERS)
