SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
LAB := inventories/lab/halsoval.yml
# What the lab runs; Active Directory takes root, or sudo without a password.
SYSTEMS ?= hsa ad citrix
# -e with the lab's state and systems, and with the systems that are onboarded.
lab_in = -e '{lab_state: $(1), halsoval_lab_systems: [$(foreach system,$(SYSTEMS),$(system),)]}'
NO_AD := $(if $(filter ad,$(SYSTEMS)),,yes)
# What is onboarded where the lab runs less: the rules of Citrix name groups of AD.
onboarded := hsa workstations licences siths $(if $(NO_AD),,ad $(filter citrix,$(SYSTEMS))) services
LESS := $(if $(filter-out $(SYSTEMS),hsa ad citrix),-e '{halsoval_systems: [$(foreach system,$(onboarded),$(system),)]}')
ROOT := $(if $(filter-out 0,$(shell id -u)),sudo)
# Tests in parts that take about as long as each other, so that they can run at once.
PLAYBOOK_TESTS := $(addprefix tests/integration/test_,controller.py directory_faults.py guard.py names_and_variables.py onboard.py)
LAB_TESTS := $(addprefix tests/integration/test_,lab.py night_findings.py orders.py personal_data.py)
AD_TESTS := $(wildcard tests/integration/test_ad_*.py)

export PATH := $(CURDIR)/.venv/bin:$(PATH)
export LC_ALL := C.UTF-8

# $(call debian,packages): install Debian packages, as root or through sudo.
define debian
{ $(ROOT) apt-get update --quiet=2; \
  $(ROOT) env DEBIAN_FRONTEND=noninteractive apt-get install --quiet=2 --yes --no-install-recommends $(1); } \
|| { echo "Missing, and only root or sudo can install it: $(1)" >&2; exit 1; }
endef

# $(call install,extra): what pyproject.toml asks for, in the versions of constraints.txt.
define install
.venv/bin/python -m pip install --quiet --constraint constraints.txt --requirement <(.venv/bin/python -c \
	'import tomllib; \
	project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
	print(*project["dependencies"], *project["optional-dependencies"]["$(1)"], sep="\n")')
endef

##@ For everybody

.PHONY: help
help: ## List what can be made
	@awk 'BEGIN { FS = ":.*## " } \
		/^##@/ { print "\n" substr($$0, 5) } \
		/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: lab-up ## Start the lab and onboard the example providers; SYSTEMS=hsa does without Active Directory
	ansible-playbook -i $(LAB) regionjh.halsoval.onboard $(LESS)
	ansible-playbook -i $(LAB) regionjh.halsoval.reconcile $(LESS)
	@printf '%s\n' '' \
		'The lab now holds what the records of the example providers ask for on its day, and a night has looked at it.' \
		'Look around:' \
		'' \
		'  LDAPTLS_CACERT=.lab/ca/ca.pem ldapsearch -x -LLL -o ldif-wrap=no -H ldaps://127.0.0.1:6636 \' \
		'    -D "cn=halsoval,ou=System,o=Region Jämtland Härjedalen,c=SE" -y .lab/secrets/hsa_service \' \
		'    -b "ou=Privata vårdgivare,o=Region Jämtland Härjedalen,c=SE"' \
		$(if $(NO_AD),, \
		'  LDAPTLS_CACERT=.lab/ca/ca.pem ldapsearch -x -LLL -o ldif-wrap=no -H ldaps://127.0.0.10 \' \
		'    -D CN=svc-halsoval,OU=Servicekonton,DC=ad,DC=region,DC=example -y .lab/secrets/ad_service \' \
		'    -b OU=Halsoval,DC=ad,DC=region,DC=example') \
		'' \
		'Orders that people carry out have left through .lab/outbox, a folder for each recipient.' \
		'' \
		'Change a record below inventories/lab/providers/, see what would happen, approve it, and let it happen:' \
		'' \
		'  source .venv/bin/activate' \
		"  ansible-playbook regionjh.halsoval.approve -e approve_provider=fjallhalsan --check $(LESS)" \
		"  ansible-playbook regionjh.halsoval.approve -e approve_provider=fjallhalsan -e approve_key=.lab/approval/region $(LESS)" \
		"  ansible-playbook regionjh.halsoval.onboard $(LESS)" \
		'' \
		'make lab-down stops the lab. README.md and docs/ tell more.' ''

.PHONY: lab-up
lab-up: lab-possible .venv/ready ## Start the lab: the region's servers, on this machine, below .lab/
	@# In the lab's inventory nothing is approved yet.
	ansible-playbook -i /dev/null regionjh.halsoval.lab $(call lab_in,started)
	@for draft in inventories/lab/providers/*/; do \
		provider=$$(basename "$$draft"); \
		test -e ".lab/approved/$$provider/equipment.yml" || ansible-playbook -i $(LAB) regionjh.halsoval.approve \
			-e "approve_provider=$$provider" -e approve_key=.lab/approval/region -e '{halsoval_systems: []}' || exit; \
	done

.PHONY: lab-down
lab-down: .venv/ready ## Stop the lab; its data stays
	ansible-playbook -i $(LAB) regionjh.halsoval.lab $(call lab_in,stopped)

# Before anything is installed.
.PHONY: lab-possible
lab-possible:
	@$(PYTHON) roles/lab/files/preconditions.py $(if $(wildcard .venv/ready),,--venv) $(SYSTEMS) >/dev/null

##@ For developers

.PHONY: test
test: lab-possible .venv/servers ## Everything that CI runs
	$(MAKE) --no-print-directory --jobs=3 --keep-going --output-sync=target \
		made-lab pytest-unit lint molecule sanity pytest-playbooks pytest-lab pytest-others pytest-ad

.PHONY: lint
lint: .venv/ready ## Style, types, playbooks, changelog fragments
	ruff check
	ruff format --check
	MYPYPATH=.venv/collections mypy $(addprefix --package ansible_collections.regionjh.halsoval.plugins.,module_utils plugin_utils inventory action lookup)
	@# In the lab's own inventory nothing is approved before the lab is up.
	ANSIBLE_INVENTORY=extensions/molecule/inventory/halsoval.yml ansible-lint
	antsibull-changelog lint

.PHONY: sanity
sanity: .venv/ready ## ansible-test sanity in a built tree
	python tests/sanity/run.py

.PHONY: molecule
molecule: made-lab ## Roles and playbooks against real servers
	molecule test --all

.PHONY: pytest
pytest: .venv/ready ## Unit and integration tests
	pytest

HISTORIES ?= 2000
TESTS ?= tests/unit tests/long tests/integration
.PHONY: test-long
test-long: made-lab .venv/servers ## All tests in full: more kills, HISTORIES=2000 judged; TESTS=tests/long
	HALSOVAL_IN_FULL=yes HALSOVAL_HISTORIES=$(HISTORIES) pytest $(TESTS)

# The same in parts, each with labs of its own.
.PHONY: pytest-ad pytest-lab pytest-others pytest-playbooks pytest-unit
pytest-ad: made-lab
	pytest $(AD_TESTS)
pytest-lab: made-lab
	pytest $(LAB_TESTS)
pytest-playbooks: made-lab
	pytest $(PLAYBOOK_TESTS)
pytest-unit: .venv/ready
	pytest tests/unit tests/long
pytest-others: made-lab
	pytest tests/integration $(addprefix --ignore=,$(AD_TESTS) $(LAB_TESTS) $(PLAYBOOK_TESTS))

.PHONY: reference
reference: .venv/ready ## Write the schemas and reference pages anew from the model and the catalogue
	python -m ansible_collections.regionjh.halsoval.plugins.plugin_utils.record_schema docs

.PHONY: bench
bench: .venv/bench ## Measure against ldapadd and community.general; prints the ratios
	pytest -s tests/performance

# Tests start copies of it.
.PHONY: made-lab
made-lab: .venv/ready
	python -m ansible_collections.regionjh.halsoval.tests.lab

# Links give the checkout the collection's name: in site-packages for Python, and in a
# directory of its own for ansible.cfg (site-packages is searched last) and for mypy
# (which takes no types from site-packages).
.venv/ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "$(PYTHON) must be Python 3.11 or later" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || $(call debian,python3-venv)
	@command -v ssh-keygen >/dev/null || $(call debian,openssh-client)
	@.venv/bin/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo 'Installing the packages of constraints.txt into .venv'
	@$(call install,test)
	@for tree in .venv/lib/python*/site-packages .venv/collections; do \
		mkdir -p "$$tree/ansible_collections/regionjh"; \
		ln -sfnT "$(CURDIR)" "$$tree/ansible_collections/regionjh/halsoval"; \
	done
	@touch $@

# Labs and tests install their servers where they are missing. Here once, before several do at once.
.venv/servers: .venv/ready
	@python -c 'from ansible_collections.regionjh.halsoval.tests import pgbouncer, postgresql; \
		postgresql.binaries(); pgbouncer.program()'
	@touch $@

# python-ldap is built from source.
.venv/bench: .venv/ready
	@$(call debian,gcc ldap-utils libc6-dev libldap-dev libsasl2-dev python3-dev)
	@$(call install,bench)
	@touch $@
