# The two commands of a newcomer: `make run` and `make test`. Each sets up what it needs.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help run dev shell test lint bench faults races moves keycloak client-docs graphql-docs sdk sdks messages lock image

# What a server needs before it starts.
define set_up
	@mkdir -p var
	@$(BIN)/python -c "from config.environment import make_secret_key; make_secret_key()"
	@$(BIN)/python manage.py migrate --verbosity 0
endef

help: ## list the targets
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/'

run: .venv/run ## serve at http://127.0.0.1:8000, with mail in files under var/mail/
	$(set_up)
	@PATH="$(CURDIR)/$(BIN):$$PATH" SERVED_PORT="$${PORT:-8000}" exec $(BIN)/honcho --env /dev/null --no-prefix --procfile config/Procfile --app-root . start --port 8000

dev: .venv/run ## the same with one worker that reloads changed code, and a log for people; SQL=on logs SQL
	$(set_up)
	@LOG_FORMAT=console SHOW_SQL="$(or $(SQL),off)" PATH="$(CURDIR)/$(BIN):$$PATH" SERVED_PORT="$${PORT:-8000}" exec $(BIN)/honcho --env /dev/null --no-prefix --procfile config/Procfile.dev --app-root . start --port 8000

shell: .venv/run ## Python with the models at hand
	$(set_up)
	@$(BIN)/python manage.py shell

test: .venv/dev ## everything that CI runs; with T=tests/… only these tests, on SQLite
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash .ci/checks $(T)

lint: .venv/dev ## format, then lint, types and the import rule
	$(BIN)/ruff format . && $(BIN)/ruff check --fix .
	SECRET_KEY=$${SECRET_KEY:-only-for-checking-the-types-of-the-code} $(BIN)/mypy && $(BIN)/lint-imports

bench: .venv/dev ## measure the speed, compared with peers and under attack; with B="slow timing=2000" only these sections
	$(BIN)/python -m tests.bench $(B)

faults: .venv/dev ## count what is lost while parts are killed, paused and restarted; with F="pause restart=3" only these faults
	$(BIN)/python -m tests.faults $(F)

races: .venv/dev ## all rounds of the races on PostgreSQL, of which `make test` runs a third
	TEST_ON=postgres RACES=1 $(BIN)/python -m pytest tests/concurrency tests/flows/test_lost_updates.py

moves: .venv/dev ## users of a dj-rest-auth and a FastAPI Users application move in, out and in again; N=100000 of them
	TEST_ON=postgres MOVED_USERS=$(or $(N),100000) $(BIN)/python -m pytest tests/flows/test_import_from_databases.py -k "stock or real" --durations=0 -o faulthandler_timeout=0

keycloak: .venv/dev ## log in with a Keycloak that is downloaded and started for it (needs Java and Maven)
	$(BIN)/python -m pytest tests/keycloak/journeys.py

client-docs: .venv/dev ## write the client documentation to docs/client/ (needs Java)
	@PATH="$(CURDIR)/$(BIN):$$PATH" bash .ci/client-docs docs/client

graphql-docs: .venv/dev ## write the GraphQL schemas to docs/graphql/
	@DJANGO_SETTINGS_MODULE=config.settings SECRET_KEY=$${SECRET_KEY:-only-for-writing-the-document-of-clients} $(BIN)/python -m tests.graphql_schema

# The shell's own LANG is something else.
unexport LANG
sdk: .venv/dev ## write an SDK to build/sdk/: LANG=python, or another of docs/sdks.md; SERVER=https://… takes that server's document
	@LANG=C.UTF-8 $(BIN)/python -m tests.sdk $(if $(filter command line,$(origin LANG)),$(LANG))

sdks: .venv/dev ## write every SDK, and run each against a server
	@$(BIN)/python -m tests.sdk --travel

messages: .venv/dev ## update and compile the message catalogues
	@DJANGO_SETTINGS_MODULE=config.settings SECRET_KEY=$${SECRET_KEY:-only-for-reading-the-code-of-the-catalogues} $(BIN)/python -m tests.messages

lock: .venv/dev ## write requirements*.txt anew from pyproject.toml
	$(BIN)/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header -q -o requirements.txt
	$(BIN)/uv pip compile pyproject.toml --group dev -c requirements.txt --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header -q -o requirements-dev.txt
	$(BIN)/uv pip compile tests/sdk/requirements.in --universal --python-version 3.11 --generate-hashes --no-strip-extras --no-header -q -o tests/sdk/requirements.txt

image: ## build the container image
	docker build -t accounts-backend .

.venv/bin/python:
	@$(PYTHON) -m venv .venv

.venv/run: .venv/bin/python requirements.txt
	@echo "Installing the locked dependencies …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

.venv/dev: .venv/run requirements-dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@
