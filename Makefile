# The two commands: `make demo` and `make test`. Both start with what is missing on this machine.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
FOUND := $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
PYTHON ?= $(FOUND)

# More than there are processors: half of a unit test is waiting for a process that it has started.
UNIT_TESTS := pytest --numprocesses 4 tests/unit
# Three processes with a lab each, one of them for what asks little of the machine: tests/lab/lanes.py.
LAB_TESTS := pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder tests/lab

export PATH := $(CURDIR)/$(BIN):$(PATH)
# Many short programs run below: each would compile the whole package.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help
.PHONY: help venv demo test unit lab-test bench soak pictures check fix clean ssh-tools browser locales

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## Create .venv and install the package, with what the lab and the tests need

demo: venv ## Boot one host on v1.2.2 and deploy v1.2.3 to it, with visitors on its site
	@inv lab.demo

# A CI job tells all that fails, somebody who waits for it hears of the unit tests first.
test: venv ssh-tools browser locales ## Run the unit and the lab tests
	@echo "make test: boots the lab (minutes the first time) beside the unit tests, then runs the lab tests"
	@inv lab.up > $(VENV)/lab-up.log 2>&1 & lab=$$!; unit=0; \
	$(UNIT_TESTS) || unit=$$?; \
	wait $$lab || { cat $(VENV)/lab-up.log; exit 1; }; cat $(VENV)/lab-up.log; \
	[ -n "$$CI" ] || [ "$$unit" = 0 ] || exit $$unit; \
	$(LAB_TESTS) || exit; exit $$unit

unit: venv locales ## Run the unit tests only
	@$(UNIT_TESTS)

lab-test: venv ssh-tools browser ## Run the lab tests only
	@inv lab.up
	@$(LAB_TESTS)

bench: venv ssh-tools ## Run the measurements: start-up, commands over SSH to one host and to many, a backup, verification, a deploy, a lost host, a fleet
	@missed=; measure() { python tests/bench/bench_$$1.py || missed="$$missed $$1"; echo; }; \
	measure list; measure host; measure fanout; measure quick; \
	inv lab.up && measure backup && measure verify && measure deploy && measure lost_host && \
	inv lab.up --hosts 3 && measure fleet && \
	[ -z "$$missed" ] || { echo "not everything was measured, or a goal is missed:$$missed" >&2; exit 1; }

soak: venv ssh-tools ## Deploy, break, go back and kill, ten times in a row under load (an hour)
	@inv lab.up
	@pytest tests/soak
	@SCHEDGEN_ALL_BLOWS=yes pytest tests/lab/test_interrupted.py tests/lab/test_interrupted_handover.py \
		tests/lab/test_interrupted_data.py tests/lab/test_interrupted_engine.py tests/lab/test_swarm_partition.py

pictures: venv browser ## Draw the pictures of the README anew, from a recorded deploy
	@python tests/bench/pictures.py

check: venv locales ## Lint, types, import direction, unit tests
	@inv dev.check

fix: venv ## Mend what the linter can mend, and format
	@inv dev.fix

clean: ## Remove the lab: nothing of it runs, no image, volume or network stays
	@if [ -x $(BIN)/inv ]; then python tests/lab/beside.py inv lab.down --purge && inv lab.down --purge; \
	else echo "There is no $(VENV), so there is nothing to remove. (Removed it by hand? make venv clean)"; fi

# The tests start an sshd of their own beside those of the lab.
ssh-tools:
	@if [ -x /usr/sbin/sshd ] && command -v ssh >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's openssh-server and openssh-client for the tests"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			openssh-server openssh-client >/dev/null; \
	else echo "make: the tests need ssh and /usr/sbin/sshd; install OpenSSH" >&2; exit 1; fi

# What a host of another language runs is tested with a locale of its own, and with Debian's own awk.
locales:
	@if [ -e /usr/share/i18n/locales/de_DE ] && command -v localedef mawk >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's locales and mawk for the tests"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			locales mawk >/dev/null; \
	else echo "make: the tests need localedef, the locale de_DE and mawk; install locales and mawk" >&2; exit 1; fi

# The report of a watch is opened in a real browser.
browser:
	@if command -v chromium >/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing Debian's chromium for the tests (a minute)"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
			chromium >/dev/null; \
	else echo "make: a test opens a report in chromium; install it" >&2; exit 1; fi

# Debian packs venv apart from Python: where that is missing and we are root, it is installed.
$(STAMP): setup.cfg pyproject.toml
	@if [ -z "$(PYTHON)" ]; then \
		echo "make: Python 3.11 or later is needed; found: $$(python3 --version 2>&1 || echo none)." \
			"Install it, or name it: make PYTHON=/path/to/python3.11" >&2; exit 1; fi
	@if [ ! -x $(BIN)/python ] && ! $(PYTHON) -c 'import ensurepip' 2>/dev/null; then \
		if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
			echo "Installing Debian's python3-venv"; \
			apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv >/dev/null; \
		else echo "make: Python's venv module is missing; as root: apt-get install python3-venv" >&2; exit 1; fi; fi
	@[ -x $(BIN)/python ] || { echo "Creating $(VENV) with $$($(PYTHON) --version)"; $(PYTHON) -m venv $(VENV); }
	@echo "Installing schedgen_ops and what it needs into $(VENV) (half a minute)"
	@$(BIN)/python -m pip install --quiet --editable '.[test,lab]' \
		|| { echo "make: pip could not install the package; its reason is above" >&2; exit 1; }
	@touch $@
