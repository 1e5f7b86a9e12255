"""What is known of frameworks is chosen by name; who chooses nothing is asked for nothing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from fakes import result
from kit import minimal
from pydantic import ValidationError

from schedgen_ops import loading
from schedgen_ops.loading.force import rows, schema
from schedgen_ops.loading.reading import Reading
from schedgen_ops.preflight.plan import probes
from schedgen_ops.profiles import PROFILES
from schedgen_ops.settings import Flow, Migrations, Objects
from schedgen_ops.settings.profiled import Profiled
from schedgen_ops.verify import checks, performance

BLOG = "project: blog\ndirectory: /srv/blog\nhosts:\n  - {name: app1, address: host.example}\n"
SECTIONS: dict[str, type[Profiled]] = {"migrations": Migrations, "objects": Objects, "verify.flow": Flow}
REST: dict[str, dict[str, Any]] = {
    "migrations": {"service": "api", "path": "db/migrations"},
    "objects": {"service": "store"},
    "verify.flow": {},
}
# Words of the reference application, in any place.
FOREIGN = (
    "minio",
    "postgres",
    "npm",
    "3001",
    "3000",
    "9090",
    "pdf",
    "backend",
    "frontend",
    "schedgen-upload",
)


def configured(root: Path, text: str) -> Reading:
    (root / "config").mkdir(exist_ok=True)
    (root / "config/production.yaml").write_text(text)
    return loading.read(root=root, environ={})


def origins(root: Path, text: str) -> dict[str, tuple[object, str]]:
    return {row.path: (row.value, row.origin) for row in rows(configured(root, text))}


# An application that chooses nothing


def test_a_config_of_three_keys_is_enough(tmp_path: Path) -> None:
    settings = loading.sound(configured(tmp_path, BLOG))
    assert (settings.tiers, settings.checks, settings.credentials) == ((), (), ())
    assert (settings.database, settings.objects, settings.migrations) == (None, None, None)
    assert (settings.verify.flow, settings.verify.queue, settings.verify.prometheus) == (None, None, None)
    assert settings.backup_hosts() == settings.migrating_hosts() == ()


def test_nothing_of_the_reference_application_is_in_the_defaults() -> None:
    text = json.dumps(minimal().model_dump(mode="json", exclude={"guard"})).lower()
    assert [word for word in FOREIGN if word in text] == []


def test_a_blog_is_not_asked_for_anybody_elses_keys() -> None:
    settings = minimal()
    probe = probes(settings, settings.host("app1"))["credentials"]
    assert list(probe.judge(result(code=1))) == []


def test_a_verification_sends_nothing_to_what_is_not_configured() -> None:
    settings = minimal()
    host = settings.host("app1")
    asked = checks.on(settings, host, checks.GROUPS) + performance.on(settings, host)
    assert {check.group for check in asked} == {"services", "logs", "performance"}
    assert [check for check in asked if "localhost" in check.command.text] == []


# A profile


@pytest.mark.parametrize(
    ("section", "name"), [(place, name) for place in PROFILES for name in PROFILES[place]]
)
def test_every_profile_fills_its_section(section: str, name: str) -> None:
    given = {"profile": name, **REST[section]}
    made = SECTIONS[section].model_validate(given)
    for key, value in PROFILES[section][name].items():
        plain = made.model_dump()[key]
        assert json.loads(json.dumps(plain, default=str)) == json.loads(json.dumps(value, default=str))


def test_what_the_config_says_wins_over_the_profile_and_its_origin_is_told(tmp_path: Path) -> None:
    chosen = "migrations:\n  profile: typeorm\n  service: api\n  path: db\n  table: null\n"
    values = origins(tmp_path, BLOG + chosen)
    assert values["migrations.run"] == (["npm", "run", "migration:run"], "profile typeorm")
    assert values["migrations.table"] == (None, "config/production.yaml:9")
    assert values["migrations.profile"] == ("typeorm", "config/production.yaml:6")
    assert values["migrations.deadline"] == (300, "default")
    flow = origins(tmp_path, BLOG + "verify:\n  flow:\n    profile: pdf-upload\n    expect: 7\n")
    assert flow["verify.flow.expect"] == (7, "config/production.yaml:8")
    assert flow["verify.flow.form.pdfType"] == ("WEEKLY", "profile pdf-upload")
    assert flow["verify.flow.clean[0].service"] == ("minio", "profile pdf-upload")


def test_an_unknown_profile_is_refused_with_those_there_are(tmp_path: Path) -> None:
    reading = configured(tmp_path, BLOG + "objects: {profile: mino, service: s, path: /data}\n")
    (problem,) = reading.problems
    what = "there is no profile 'mino' for objects; did you mean 'minio'?"
    assert str(problem) == f"config/production.yaml:5: objects.profile: {what}"
    with pytest.raises(ValidationError, match="there are: minio"):
        Objects.model_validate({"profile": "x", "service": "s", "path": "/data"})


def test_without_a_profile_its_keys_are_required(tmp_path: Path) -> None:
    reading = configured(tmp_path, BLOG + "migrations: {service: api, path: db}\n")
    missing = {problem.location for problem in reading.problems}
    assert missing == {f"migrations.{key}" for key in ("run", "show", "applied", "pending")}
    assert {problem.line for problem in reading.problems} == {5}


def test_the_schema_knows_the_profiles_and_what_they_spare() -> None:
    section = json.loads(schema())["$defs"]["Migrations"]
    assert section["properties"]["profile"]["anyOf"][0]["enum"] == [
        "alembic",
        "django",
        "knex",
        "rails",
        "typeorm",
    ]
    assert section["required"] == ["service", "path"]
    assert section["anyOf"] == [
        {"required": ["profile"]},
        {"required": ["run", "show", "applied", "pending"]},
    ]


def test_migrations_of_another_framework_are_read_by_the_configs_own_patterns() -> None:
    own = {"service": "api", "path": "db", "run": ["up"], "show": ["status"], "revert": ["down"]}
    asked = Migrations.model_validate(own | {"applied": "^up +", "pending": "^down +(?P<name>.+)"})
    assert checks.migrations(asked, result("up   1_a\ndown 2_b\n")).text == "pending: 2_b"
    assert checks.migrations(asked, result("up   1_a\nup   2_b\n")).text == "2 executed, none pending"
    bare = Migrations.model_validate(own | {"applied": "^up", "pending": "^down.*"})
    assert checks.migrations(bare, result("down 2_b\n")).text == "pending: down 2_b"
