"""What settings accept and refuse, and what they say about an environment."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import hypothesis
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import written
from pydantic import ValidationError

from schedgen_ops.settings import HostSettings, Settings

ALL_IN_ONE: dict[str, Any] = {"name": "app1", "address": "production-server"}
DATA: dict[str, Any] = {"name": "data", "address": "10.0.0.1", "services": ["postgres", "redis", "minio"]}
WEB: dict[str, Any] = {
    "name": "web",
    "address": "10.0.0.2",
    "services": ["pdf-worker", "backend", "frontend", "prometheus", "grafana"],
}


def settings(**values: Any) -> Settings:
    return Settings.model_validate(json.loads(written(**{"hosts": [ALL_IN_ONE], **values})))


def refused(**values: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**values)
    return str(caught.value)


def names(hosts: Iterable[HostSettings]) -> list[str]:
    return [host.name for host in hosts]


@pytest.mark.parametrize(
    ("path", "figure"),
    [
        ("limits.disk_free_gb", 10),
        ("limits.cpu_percent", 80),
        ("limits.memory_percent", 80),
        ("limits.database_ms", 100),
        ("limits.error_percent", 10),
        ("limits.consecutive_failures", 3),
        ("health.deadline", 300),
        ("watch.duration", 600),
        ("watch.interval", 10),
        ("branch", "main"),
        ("env_file", ".env"),
        ("backup.directory", "backups"),
        ("database.user", "schedgen"),
        ("database.name", "schedgen"),
        ("migrations.path", "backend/src/migrations"),
        ("migrations.run", ("npm", "run", "migration:run")),
        ("credentials", ("POSTGRES_PASSWORD", "MINIO_ACCESS_KEY", "MINIO_SECRET_KEY")),
    ],
)
def test_the_examples_figures_are_those_of_the_runbook(path: str, figure: object) -> None:
    value: object = settings()
    for part in path.split("."):
        value = getattr(value, part)
    assert value == figure


def test_the_examples_tiers_are_steps_4_to_6_of_the_runbook() -> None:
    assert [(tier.name, tier.services) for tier in settings().tiers] == [
        ("Infrastructure", ("redis", "minio")),
        ("Application", ("pdf-worker", "backend", "frontend")),
        ("Monitoring", ("prometheus", "grafana")),
    ]


def test_the_examples_checks_are_those_of_the_runbook() -> None:
    assert [(check.url, check.within) for check in settings().checks] == [
        ("http://localhost:3001/health", 1.0),
        ("http://localhost:3000/", 2.0),
        ("http://localhost:3001/health/db", 1.0),
        ("http://localhost:3001/metrics", 1.0),
    ]


def test_settings_cannot_be_changed_and_can_be_a_key() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        settings().branch = "other"
    assert {settings(): 1}[settings()] == 1


def test_one_host_runs_migrates_and_backs_up_everything() -> None:
    env = settings()
    assert names(env.migrating_hosts()) == names(env.backup_hosts()) == ["app1"]
    assert env.services_on(env.host("app1"))[0] == "postgres"
    assert len(env.services_on(env.host("app1"))) == 8


def test_hosts_with_roles_run_and_check_only_what_is_theirs() -> None:
    env = settings(hosts=[DATA, WEB])
    assert env.services_on(env.host("data")) == ("postgres", "redis", "minio")
    assert env.checks_on(env.host("data")) == ()
    assert env.checks_on(env.host("web")) == env.checks
    assert names(env.migrating_hosts()) == ["data"]
    assert names(env.backup_hosts()) == ["data"]


def test_a_host_that_says_so_migrates_in_place_of_the_database_host() -> None:
    assert names(settings(hosts=[DATA, {**WEB, "migrates": True}]).migrating_hosts()) == ["web"]


def test_every_host_with_a_database_of_its_own_migrates_it() -> None:
    env = settings(hosts=[ALL_IN_ONE, {**ALL_IN_ONE, "name": "app2"}])
    assert names(env.migrating_hosts()) == ["app1", "app2"]


def test_a_database_elsewhere_is_migrated_by_one_host() -> None:
    env = settings(database=None, hosts=[ALL_IN_ONE, {**ALL_IN_ONE, "name": "app2"}])
    assert names(env.migrating_hosts()) == ["app1"]


def test_objects_are_backed_up_on_the_host_that_holds_them() -> None:
    env = settings(
        hosts=[
            {**DATA, "services": ["postgres", "redis"]},
            {**WEB, "services": [*WEB["services"], "minio"]},
        ]
    )
    assert names(env.backup_hosts()) == ["data", "web"]


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"hosts": []}, "is required: a list of hosts"),
        ({"hosts": [ALL_IN_ONE, ALL_IN_ONE]}, "a second host is called 'app1'"),
        ({"hosts": [{**ALL_IN_ONE, "services": []}]}, "at least 1 item"),
        ({"hosts": [{**ALL_IN_ONE, "services": ["redis", "redis"]}]}, "must not name 'redis' twice"),
        ({"hosts": [DATA, {**WEB, "services": ["bakend"]}]}, "'bakend'; did you mean 'backend'?"),
        ({"hosts": [DATA]}, "no host runs 'backend'"),
        ({"hosts": [WEB]}, "no host runs 'postgres'"),
        ({"hosts": [{**ALL_IN_ONE, "migrates": False}]}, "no host migrates"),
        ({"hosts": [{**ALL_IN_ONE, "backs_up": False}]}, "no host that runs 'postgres' backs it up"),
        (
            {"hosts": [{**DATA, "migrates": True}, {**WEB, "migrates": True}]},
            "web runs no database of its own",
        ),
        (
            {"hosts": [{**ALL_IN_ONE, "migrates": True}, {**ALL_IN_ONE, "name": "app2"}]},
            "app2 runs a database too",
        ),
        ({"tiers": [{"name": "A", "services": []}]}, "at least 1 item"),
        (
            {"tiers": [{"name": "A", "services": ["x"]}, {"name": "B", "services": ["x"]}]},
            "'x' is in the tier 'A' already",
        ),
        ({"tiers": [{"name": "A", "services": ["x"]}] * 2}, "a second tier is called 'A'"),
        ({"checks": [{"name": "a", "url": "http://localhost/"}] * 2}, "a second check is called 'a'"),
        ({"checks": [{"name": "a", "url": "http://localhost/", "service": "api"}]}, "the service 'api'"),
        ({"checks": [{"name": "a", "url": "file:///etc/passwd"}]}, "must be an http:// or https:// address"),
        ({"checks": [{"name": "a", "url": "http://u:pw@localhost/"}]}, "user name or a password"),
        ({"directory": "srv/app"}, "must be an absolute path"),
        ({"directory": "/"}, "must not be the root folder"),
        ({"directory": "/srv/../etc"}, "must not climb"),
        ({"env_file": "-e"}, "must not begin with '-'"),
        ({"backup": {"directory": "../backups"}}, "must not climb"),
        ({"migrations": {"path": "/etc"}}, "must be relative"),
        ({"migrations": {"run": []}}, "at least 1 item"),
        ({"branch": "--upload-pack=touch x"}, "must be the name of a branch"),
        ({"project": "-p"}, "must be a Compose project name"),
        ({"hosts": [{"name": "a", "address": "-oProxyCommand=x"}]}, "must be a host name"),
        ({"hosts": [{**ALL_IN_ONE, "port": 0}]}, "greater than or equal to 1"),
        ({"health": {"deadline": 0}}, "greater than or equal to 1"),
        ({"health": {"deadline": "300"}}, "valid integer"),
        ({"health": {"deadline": True}}, "valid integer"),
        ({"health": {"deadline": 20, "settle": 30}}, "must be shorter than health.deadline"),
        ({"watch": {"duration": 5}}, "must not be shorter than watch.interval"),
        ({"limits": {"error_percent": float("nan")}}, "error_percent"),
        ({"limits": {"cpu_percent": 101}}, "less than or equal to 100"),
        ({"releases": {"keep": 0}}, "greater than or equal to 1"),
        ({"sudo": "yes"}, "valid boolean"),
        ({"build": {"pull": "newer"}}, "'missing', 'always' or 'never'"),
        ({"typo": 1}, "Extra inputs are not permitted"),
    ],
)
def test_it_refuses(values: dict[str, Any], message: str) -> None:
    assert message in refused(**values)


@hypothesis.settings(deadline=None)
@given(text=st.text(max_size=30) | st.from_regex(r"-{0,2}[ -~]{1,20}", fullmatch=True))
@hypothesis.example(text="\xa0")
def test_no_name_is_ever_an_option_or_holds_white_space(text: str) -> None:
    places: list[dict[str, Any]] = [
        {"project": text},
        {"remote": text},
        {"branch": text},
        {"credentials": [text]},
        {"hosts": [{**ALL_IN_ONE, "user": text}]},
        {"hosts": [{"name": "a", "address": text}]},
        {"database": {"user": text}},
        {"tiers": [{"name": "A", "services": [text]}]},
    ]
    for place in places:
        try:
            settings(**place)
        except ValidationError:
            continue
        assert re.fullmatch(r"[^-\s][^\s\x00-\x1f]*", text), place


@hypothesis.settings(deadline=None)
@given(text=st.text(max_size=20) | st.from_regex(r"[-./~a ]{1,12}", fullmatch=True))
def test_no_path_is_ever_an_option_or_leaves_its_folder(text: str) -> None:
    for place in ({"directory": f"/srv/{text}"}, {"env_file": text}, {"backup": {"directory": text}}):
        try:
            settings(**place)
        except ValidationError:
            continue
        assert not text.startswith("-") or "directory" in place
        assert ".." not in text.split("/")
        assert not re.search(r"[\n\0]", text)
