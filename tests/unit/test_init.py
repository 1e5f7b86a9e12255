"""From a host that somebody runs by hand to a config: what is looked at, what is said of it, the task."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_tasks
import yaml
from fakes import FakeHost, result
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, git, path, program
from test_tasks import Capture, Inv

from schedgen_ops import loading
from schedgen_ops.cli import deploy
from schedgen_ops.commands.docker import Docker
from schedgen_ops.drafting import look
from schedgen_ops.drafting.draft import Entry, Place, draft, strategies, values
from schedgen_ops.drafting.questions import questions
from schedgen_ops.drafting.seen import Seen
from schedgen_ops.drafting.text import text
from schedgen_ops.drafting.visits import visits
from schedgen_ops.rollout.by_name import Listener
from schedgen_ops.settings import Settings

inv = test_tasks.inv

BINARY = Path(sys.executable).parent / "docker-compose"
PLACE = Place("shop.example", "/srv/shop", "shop", "deploy", 2222)
COMPOSE = """
name: shop
services:
  db:
    image: postgres:16
    environment: {POSTGRES_USER: shop, POSTGRES_DB: orders, POSTGRES_PASSWORD: "${DB_PASSWORD:?set it}"}
    volumes: ["data:/var/lib/postgresql/data"]
  files:
    image: minio/minio
    volumes: ["objects:/data"]
  web:
    build: ./web
    ports: ["8080:3000"]
    environment: {TOKEN: "${API_TOKEN}", COLOUR: "${COLOUR:-red}"}
    secrets: [signing]
    depends_on: [db, files]
    healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:3000/health?deep=1"]}
  tls:
    image: lab/tls
    ports: ["8443:443"]
volumes: {data: {}, objects: {}}
secrets: {signing: {environment: SIGNED_WITH}}
"""
SCRIPTS = {"scripts": {"migration:run": "typeorm migration:run"}, "dependencies": {"typeorm": "0.3"}}


class Owner:
    """A project's folder, as its owner has it."""

    def __init__(self, root: Path) -> None:
        self.folder = root / "it's a shop"
        self.folder.mkdir()
        docker = f'[ "$1" = compose ] || {{ cat {root}/runs; exit; }}; shift; exec {BINARY} "$@"'
        self.programs = path(program(root / "bin", "docker", docker).parent)
        self.runs = root / "runs"
        self.runs.write_text("")

    def has(self, **files: str) -> None:
        for name, content in files.items():
            file = self.folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(content)

    def look(self) -> Seen:
        said = bash(look.command(Docker(), str(self.folder)), self.folder.parent, PATH=self.programs)
        assert said.ok, said.stderr
        return look.parse(said.stdout)


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    made = Owner(tmp_path)
    made.has(**{"compose.yaml": COMPOSE, ".env": "DB_PASSWORD=p\nAPI_TOKEN='t'\nCOLOUR=blue\nOTHER_KEY=x\n"})
    return made


def settings_of(seen: Seen) -> tuple[dict[str, Any], Settings, str]:
    """What the config of a project says, valid, and its text."""
    entries = draft(PLACE, seen)
    said = values(entries)
    written = text(entries, "Drafted.")
    assert yaml.safe_load(written) == said
    return dict(said), Settings.model_validate(said), written


def test_a_project_is_seen_as_git_compose_and_docker_have_it(owner: Owner) -> None:
    owner.has(
        **{"web/package.json": json.dumps(SCRIPTS), "web/src/migrations/1-a.ts": "", ".gitignore": ".env\n"}
    )
    owner.has(**{"web/node_modules/x/package.json": json.dumps(SCRIPTS)})
    git(owner.folder, "init", "-q", "-b", "trunk")
    git(owner.folder, "remote", "add", "upstream", "https://git.example/shop")
    git(owner.folder, "add", ".")
    owner.runs.write_text("runs\tshop\tweb\tUp 2 hours (healthy)\n")
    seen = owner.look()
    assert (seen.git, seen.branch, seen.remote) == (True, "trunk", "upstream")
    assert seen.runs == (("shop", "web", "Up 2 hours (healthy)"),)
    assert seen.moves == (("typeorm", "web/package.json"),)
    assert seen.folders == ("web/src/migrations",)
    assert seen.required == ("DB_PASSWORD",)
    assert {*seen.used} >= {"API_TOKEN", "COLOUR", "DB_PASSWORD"}
    assert seen.there == ("API_TOKEN", "COLOUR", "DB_PASSWORD", "OTHER_KEY")
    assert [each.name for each in seen.services] == ["db", "files", "tls", "web"]


def test_what_is_seen_becomes_a_config_that_holds(owner: Owner) -> None:
    owner.has(**{"web/package.json": json.dumps(SCRIPTS), "web/src/migrations/1-a.ts": ""})
    git(owner.folder, "init", "-q", "-b", "trunk")
    git(owner.folder, "remote", "add", "origin", "https://git.example/shop")
    git(owner.folder, "add", "web")
    seen = owner.look()
    said, settings, written = settings_of(seen)
    assert said["project"] == "shop"
    assert said["hosts"] == [{"name": "shop", "address": "shop.example", "user": "deploy", "port": 2222}]
    assert said["branch"] == "trunk"
    assert said["database"] == {"service": "db", "user": "shop", "name": "orders", "used_by": ["web"]}
    assert said["objects"] == {"profile": "minio", "service": "files", "used_by": ["web"]}
    assert said["credentials"] == ["API_TOKEN", "DB_PASSWORD", "SIGNED_WITH"]
    assert said["migrations"] == {"profile": "typeorm", "service": "web", "path": "web/src/migrations"}
    assert said["checks"] == [
        {"name": "web", "url": "http://localhost:8080/health?deep=1", "service": "web"},
    ]
    assert "Nobody answers at port 8443 of tls" in written
    assert "database:                               # PostgreSQL: postgres:16" in written
    # No value of the env file is in it.
    assert "'p'" not in written
    assert settings.migrations is not None
    assert settings.migrations.run == ("npm", "run", "migration:run")


def test_how_services_are_replaced_is_told_in_the_order_of_it(owner: Owner) -> None:
    seen = owner.look()
    _, settings, _ = settings_of(seen)
    told = [entry.why for entry in strategies(settings, seen)[1:]]
    assert [line.partition(":")[0] for line in told] == ["db", "files", "tls", "web"]
    assert told[0] == "db: left alone: holds state, and no tier names it"
    assert told[2].startswith("tls: ingress")
    assert told[3] == "web: ingress, no gap"


def test_what_ports_say_decides_about_their_checks(owner: Owner) -> None:
    seen = owner.look()
    url = "http://localhost:8080/health?deep=1"
    spoken = {"127.0.0.1/8080": "http", "127.0.0.1/8443": "tls"}
    said, _, written = settings_of(replace(seen, spoken=spoken, answers={url: 401}))
    assert said["checks"][0]["status"] == 401
    assert "speaks TLS of its own" in written
    _, _, written = settings_of(replace(seen, spoken=spoken, answers={url: 503}))
    assert "answers 503: write a check of port 8080 of web" in written


@pytest.mark.parametrize(
    ("file", "called"),
    [
        ("api/prisma/schema.prisma", "Prisma"),
        ("artisan", "Laravel"),
        ("db/flyway.conf", "Flyway"),
        ("db/0001_a.up.sql", "golang-migrate"),
    ],
)
def test_what_else_moves_a_schema_is_named_and_left_to_its_owner(
    owner: Owner, file: str, called: str
) -> None:
    owner.has(**{file: ""})
    said, _, written = settings_of(owner.look())
    assert "migrations" not in said
    assert f"{called} moves the schema" in written


@pytest.mark.parametrize(
    ("files", "profile", "path"),
    [
        (("web/manage.py",), "django", "web/*/migrations/*.py"),
        (("web/manage.py", "web/shop/migrations/0001_a.py"), "django", "web/shop/migrations"),
        (
            ("web/manage.py", "web/a/migrations/0001_a.py", "web/b/migrations/0001_a.py"),
            *("django", "web/*/migrations/*.py"),
        ),
        (("web/alembic.ini", "web/moves/versions/a_b.py"), "alembic", "web/moves/versions"),
        (("web/bin/rails",), "rails", "web/db/migrate"),
        (("web/bin/rails", "web/db/migrate/1_a.rb"), "rails", "web/db/migrate"),
        (("web/knexfile.ts",), "knex", "web/migrations"),
    ],
)
def test_what_moves_a_schema_is_chosen_by_the_files_of_it(
    owner: Owner, files: tuple[str, ...], profile: str, path: str
) -> None:
    owner.has(**dict.fromkeys(files, ""))
    said, settings, written = settings_of(owner.look())
    assert said["migrations"] == {"profile": profile, "service": "web", "path": path}
    assert settings.migrations is not None
    assert " ".join(settings.migrations.run) in written


IMAGES = """
name: shop
services:
  db: {image: "postgres:${DB_VERSION:-16}"}
  web:
    image: "registry.example:5000/shop/web:${SHOP_TAG:-v1}"
  worker:
    image: ${REGISTRY:-docker.io}/shop/worker:${OTHER_TAG:-v1}
"""


def test_images_that_were_built_elsewhere_are_released_by_their_tag(owner: Owner) -> None:
    owner.has(**{"compose.yaml": IMAGES, ".env": "SHOP_TAG=v1.2.3\n"})
    seen = owner.look()
    assert seen.tagged == (("DB_VERSION", "postgres"), ("SHOP_TAG", "registry.example:5000/shop/web"))
    said, settings, _ = settings_of(seen)
    assert said["release"] == {"source": "image", "variable": "SHOP_TAG"}
    assert said["branch"] == "v1.2.3"
    assert not settings.from_git
    said, settings, written = settings_of(replace(seen, git=True, branch="main", remote="origin"))
    assert said["branch"] == "main"
    assert settings.from_git
    assert "${SHOP_TAG} is the tag of images that were built elsewhere" in written


def test_what_its_owner_answers_is_in_it(owner: Owner) -> None:
    other = "  other: {image: 'postgres:16'}\n  sweep: {image: x, restart: 'no'}\n  more: {build: ./web}\n"
    compose = COMPOSE.replace("volumes: {", f"{other}volumes: {{", 1)
    owner.has(**{"compose.yaml": compose, "web/manage.py": ""})
    owner.runs.write_text("runs\told\tweb\tUp 2 hours\nruns\tshop\tweb\tUp 3 hours\n")
    seen = owner.look()
    asked = {each.about: each.options for each in questions(seen)}
    assert asked == {
        "project": ("old", "shop"),
        "database": ("db", "other"),
        "migrations": ("more", "web"),
        "job sweep": ("yes", "no"),
    }
    assert settings_of(seen)[0]["database"]["service"] == "db"
    answers = {"project": "old", "database": "other", "migrations": "web", "job sweep": "yes"}
    said, _, written = settings_of(replace(seen, chosen=answers))
    assert (said["project"], said["database"]["service"]) == ("old", "other")
    assert (said["migrations"]["service"], said["rollout"]) == ("web", {"jobs": ["sweep"]})
    assert "which is it?" not in written
    said, _, written = settings_of(replace(seen, chosen={"job sweep": "no"}))
    assert "rollout" not in said
    assert "if they are to end" not in written


def test_what_cannot_be_known_is_said(owner: Owner) -> None:
    other = COMPOSE.replace("postgres:16", "mariadb:11").replace("/var/lib/postgresql", "/var/lib/mysql")
    owner.has(**{"compose.yaml": other.replace("POSTGRES_DB", "DB")})
    owner.runs.write_text("runs\told\tweb\tUp 2 hours\nruns\tshop\tweb\tExited (1) 3 hours ago\n")
    said, _, written = settings_of(owner.look())
    assert "database" not in said
    for part in (
        "db: a database that is not backed up here, PostgreSQL is",
        "containers of old, shop were made from this folder: which is it?",
        "The directory is in no git work tree",
    ):
        assert part in " ".join(written.replace("#", "").split())


@pytest.mark.parametrize(
    "db",
    ["image: postgres:16", "build: ./db\n    volumes: [data:/var/lib/postgresql/data]"],
)
def test_an_application_that_knows_the_variables_of_its_database_is_not_one(owner: Owner, db: str) -> None:
    app = "  app:\n    image: app:1\n    environment: {POSTGRES_DB: orders, POSTGRES_USER: app}\n"
    server = f"  base:\n    {db}\n    environment: {{POSTGRES_USER: shop}}\n"
    owner.has(**{"compose.yaml": f"name: shop\nservices:\n{app}{server}volumes: {{data: {{}}}}\n"})
    said, _, _ = settings_of(owner.look())
    assert said["database"] == {"service": "base", "user": "shop", "name": "shop", "used_by": []}


NAMED = """
name: shop
services:
  front: {image: nginx, ports: ["80:80"]}
  app: {build: ., depends_on: [cache]}
  api: {build: ./api}
  cache: {image: redis}
  worker: {build: ./worker, volumes: ["data:/data"]}
volumes: {data: {}}
"""


def listening(service: str, *ports: int, address: str = "172.18.0.7", udp: bool = False) -> Listener:
    return Listener(service, address, udp, ports)


API = listening("api", 9000, address="172.18.0.9")


@pytest.mark.parametrize(
    ("listens", "expected"),
    [
        ((listening("app", 8000),), {"app": 8000}),
        ((listening("app", 8000), listening("app", 8000, address="172.18.0.8")), {"app": 8000}),
        ((listening("app", 8000), API), {"app": 8000, "api": "9000/tcp"}),
        # Which port is meant, who is meant, whether it is a port at all: not seen.
        ((listening("app", 8000, 8001),), {}),
        ((listening("app", 8000), listening("app", 8001, address="172.18.0.8")), {}),
        ((listening("app", 8000, udp=True),), {}),
        ((listening("app", 40123),), {}),
        ((listening("app", 8000), listening("api", 8000, address="172.18.0.9")), {}),
        ((listening("app", 80),), {}),
        ((listening("app", 8000, address="172.18.0.99"),), {}),
        # What no release changes, and what holds data.
        ((listening("cache", 6379), listening("worker", 8000)), {}),
        ((), {}),
    ],
)  # fmt: skip
def test_what_is_called_by_its_name_alone_goes_by_the_ingress(
    owner: Owner, listens: tuple[Listener, ...], expected: dict[str, object]
) -> None:
    owner.has(**{"compose.yaml": NAMED})
    said = {"172.18.0.7/8000": "http", "172.18.0.8/8000": "http", "172.18.0.9/9000": "tcp"}
    seen = replace(owner.look(), listens=listens, spoken=said)
    config, settings, _ = settings_of(seen)
    assert config.get("rollout", {}).get("by_name", {}) == expected
    assert {*settings.rollout.called} == {*expected}


def test_a_job_that_moves_the_schema_is_all_there_is_to_it(owner: Owner) -> None:
    more = '  migrate:\n    build: ./web\n    command: [npm, run, migrate]\n    restart: "no"\nvolumes:'
    owner.has(**{"compose.yaml": COMPOSE.replace("volumes: {data", f"{more} {{data")})
    owner.has(**{"knexfile.js": ""})
    owner.runs.write_text("runs\tshop\tmigrate\tExited (0) 3 hours ago\n")
    said, settings, written = settings_of(owner.look())
    assert said["rollout"] == {"jobs": ["migrate"]}
    assert settings.rollout.jobs == ("migrate",)
    assert "migrate moves the schema: a job" in written


@given(st.text(max_size=30), st.text(max_size=40))
def test_any_text_comes_back_as_it_was(value: str, why: str) -> None:
    entries = (
        Entry("branch", value, why),
        Entry("checks", [{"name": value, "n": [value, 1, None]}], why),
        Entry("", why=why),
    )
    assert yaml.safe_load(text(entries, why)) == values(entries)


DOCUMENT = json.dumps({"name": "shop", "services": {"web": {"image": "web", "ports": []}}})


def test_the_task_writes_a_file_and_shows_the_plan(
    inv: Inv, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned: list[str] = []
    monkeypatch.setattr(deploy, "plan", lambda op, branch: planned.append(f"{op.settings.project} {branch}"))
    host = FakeHost("shop", {"look at /srv/shop": f"at\t/srv/shop\ngit\tmain\torigin\n--\n{DOCUMENT}"})
    words = ("init", "--host", "deploy@shop.example", "--directory", "/srv/shop", "--env", "production")
    assert inv(*words, on=[host]) == 0
    assert planned == ["shop main"]
    assert "config/production.yaml is written" in capsys.readouterr().out
    assert loading.load("production", root=Path.cwd(), environ={}).hosts[0].user == "deploy"
    assert inv(*words, on=[host]) == 2
    assert "is there already" in capsys.readouterr().err
    assert inv(*words, "--replace", on=[host]) == 0


def test_the_environment_is_the_one_that_other_tasks_take(inv: Inv, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deploy, "plan", lambda op, branch: None)
    monkeypatch.setenv("SCHEDGEN_ENV", "mine")
    host = FakeHost("shop", {"look at /srv/shop": f"at\t/srv/shop\n--\n{DOCUMENT}"})
    assert inv("init", "--host", "shop", "--directory", "/srv/shop", on=[host]) == 0
    assert Path("config/mine.yaml").exists()
    assert inv("init", "--host", "shop", "--directory", "/srv/shop", "--env", "", on=[host]) == 2


@pytest.mark.parametrize(
    ("host", "directory", "said"),
    [
        ("a b", "/srv", "is no host"),
        ("deploy@", "/srv", "is no host"),
        ("shop", "srv", "is no absolute path"),
    ],
)
def test_a_wrong_word_writes_nothing(inv: Inv, capsys: Capture, host: str, directory: str, said: str) -> None:
    assert inv("init", "--host", host, "--directory", directory, "--env", "new") == 2
    assert said in capsys.readouterr().err
    assert not Path("config/new.yaml").exists()


def test_a_host_that_tells_nothing_leaves_no_file(inv: Inv, capsys: Capture) -> None:
    failing = result(
        "at\t/srv/shop\n--\n", stderr="required variable DB_PASSWORD is missing a value\n", code=1
    )
    host = FakeHost("shop", {"look at /srv/shop": failing})
    assert inv("init", "--host", "shop", "--directory", "/srv/shop", "--env", "new", on=[host]) == 5
    told = capsys.readouterr().err
    assert "DB_PASSWORD is missing a value" in told
    assert "`docker compose config` has to work" in told
    assert not Path("config/new.yaml").exists()


def test_what_ended_there_and_nothing_starts_again_is_asked_for(owner: Owner) -> None:
    compose = """
services:
  buckets: {image: "acme/mc", entrypoint: [make]}
  server: {image: "acme/server", restart: always}
  site: {image: "acme/site", ports: ["8090:80"]}
  idle: {image: "acme/idle"}
"""
    owner.has(**{"compose.yaml": compose})
    ended = "".join(f"runs\tp\t{name}\tExited (0) 3 hours ago\n" for name in ("buckets", "server", "site"))
    owner.runs.write_text(f"{ended}runs\tp\tidle\tUp 2 hours\n")
    seen = owner.look()
    assert [each.about for each in questions(seen)] == ["job buckets"]
    said, _, written = settings_of(replace(seen, chosen={"job buckets": "yes"}))
    assert said["rollout"]["jobs"] == ["buckets"]
    assert "buckets: jobs, if they are to end" in settings_of(seen)[2]
    assert "if they are to end" not in written


def test_what_only_looks_at_a_server_or_fills_it_is_none(owner: Owner) -> None:
    compose = """
services:
  buckets: {image: "minio/mc:1"}
  files: {image: "quay.io/minio/minio:1", volumes: ["kept:/data"]}
  look: {image: "mongo-express:1"}
  proxy: {image: "mysql/mysql-router:8"}
  docs: {image: "mongo:6@sha256:0123456789012345678901234567890123456789012345678901234567890123"}
  sql: {image: "mcr.microsoft.com/mssql/server:2022"}
volumes: {kept: {}}
"""
    owner.has(**{"compose.yaml": compose})
    said, _, written = settings_of(owner.look())
    assert said["objects"] == {"profile": "minio", "service": "files", "used_by": []}
    told = [name for name in ("buckets", "docs", "look", "proxy", "sql") if f"{name}: a database" in written]
    assert told == ["docs", "sql"]


def test_a_healthcheck_over_tls_makes_no_check_over_http(owner: Owner) -> None:
    check = '{test: ["CMD", "curl", "-fk", "https://localhost:5601/app/login"]}'
    body = f'{{image: "desk:1", ports: ["8443:5601"], healthcheck: {check}}}'
    owner.has(**{"compose.yaml": f"services: {{desk: {body}}}"})
    seen = owner.look()
    said, _, written = settings_of(seen)
    assert "checks" not in said
    assert "Port 8443 of desk speaks TLS of its own" in written
    # What was seen there goes before what the healthcheck says.
    said, _, _ = settings_of(replace(seen, spoken={"127.0.0.1/8443": "http"}))
    assert said["checks"][0]["url"] == "http://localhost:8443/app/login"


@pytest.mark.parametrize(
    ("image", "variable"),
    [
        ('"reg.example/shop:${SHOP_TAG}"', "SHOP_TAG"),
        ("reg.example/shop:$SHOP_TAG", "SHOP_TAG"),
        ("'reg.example/shop:${SHOP_TAG:-v1}'  # comes from CI", "SHOP_TAG"),
        ("reg.example/shop:${SHOP_TAG?say it}", "SHOP_TAG"),
        ("reg.example/shop:${SHOP_TAG}-alpine", ""),
        ('"reg.example/shop:$SHOP_TAG-alpine"', ""),
        ("reg.example/shop:v${SHOP_TAG}", ""),
        ("reg.example/shop:${SHOP_TAG}${MORE:-}", ""),
    ],
)
def test_a_variable_that_is_a_part_of_a_tag_picks_no_release(owner: Owner, image: str, variable: str) -> None:
    owner.has(**{".env": "SHOP_TAG=1.2\n"})
    files = [f"services:\n  web:\n    image: {image}\n"]
    files += [f"services: {{web: {{image: {image}, tty: true}}}}"] if image.startswith('"') else []
    for compose in files:
        owner.has(**{"compose.yaml": compose})
        said, _, _ = settings_of(owner.look())
        assert said.get("release", {}).get("variable", "") == variable


def test_every_port_that_speaks_http_gets_a_check_with_a_name_of_its_own(owner: Owner) -> None:
    ports = [f"{at}:80:80" for at in ("10.0.0.1", "10.0.0.2", "[::1]")] + ["10.0.0.1:81:81", "[::1]:81:81"]
    services = {"_web": {"image": "web:1", "ports": ports}, "web-81": {"image": "w:1", "ports": ["82:80"]}}
    owner.has(**{"compose.yaml": json.dumps({"services": services})})
    seen = owner.look()
    seen = replace(seen, spoken={visit.door: "http" for visit in visits(seen)})
    said, settings, _ = settings_of(seen)
    assert [each["name"] for each in said["checks"]] == [
        *("web", "web-80", "web-80-2", "web-81", "web-81-2", "web-81-82"),
    ]
    assert {each.service for each in settings.checks} == {"_web", "web-81"}
