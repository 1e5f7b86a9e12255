"""What the config adds to a verification, and where checks are asked."""

from __future__ import annotations

from typing import Any

import pytest
from fakes import FakeHost, context, result
from kit import settings

from schedgen_ops.remote import Result
from schedgen_ops.settings import CommandCheck
from schedgen_ops.verify import checks, run
from schedgen_ops.verify.remote_commands import NOT_THERE
from schedgen_ops.watch.rules import CheckVerdict, Finding


def said(finding: Finding) -> tuple[str, str]:
    return str(finding.verdict), finding.text


def custom(kind: str, check: dict[str, Any], answer: Result) -> tuple[str, str]:
    config = settings("app1", verify={kind: [check]})
    (found,) = checks.on(config, config.hosts[0], ("custom",))
    return said(checks.judged([found], [answer])[0])


@pytest.mark.parametrize(
    ("check", "answer", "told"),
    [
        ({}, result("x", seconds=0.5), ("passed", "done, 500 ms")),
        ({"within": 0.1}, result("x", seconds=0.5), ("failed", "took 0.50 s, longer than 0.1 s")),
        ({}, result(stderr="no\nreally no", code=1), ("failed", "exit code 1: really no")),
        ({"matches": "PONG"}, result("PING"), ("failed", "said nothing like 'PONG'")),
        ({"matches": "PONG"}, result("a\nPONG\n"), ("passed", "done, 10 ms")),
        ({}, result(stderr="not found", code=127), ("unknown", "could not be looked at: not found")),
        ({}, result(stderr="none", code=NOT_THERE), ("unknown", "could not be looked at: none")),
        ({}, result(stderr="late", code=124), ("unknown", "could not be looked at: late")),
    ],
)
def test_a_command_of_the_config_is_judged(
    check: dict[str, Any], answer: Result, told: tuple[str, str]
) -> None:
    assert custom("commands", {"name": "c", "run": ["true"], **check}, answer) == told


@pytest.mark.parametrize(
    ("check", "stdout", "told"),
    [
        ({}, "7\nTime: 20.5 ms\n", ("passed", "7, 20 ms")),
        ({"at_most": 6}, "7\nTime: 20.5 ms\n", ("failed", "is 7, more than 6")),
        ({"at_least": 8}, "7\nTime: 20.5 ms\n", ("failed", "is 7, less than 8")),
        ({"at_most": 6}, "\nTime: 20.5 ms\n", ("failed", "is '', which is no number")),
        ({"equals": "7"}, "7\tx\n8\nTime: 20.5 ms\n", ("passed", "7, 20 ms")),
        ({"equals": "8"}, "7\nTime: 20.5 ms\n", ("failed", "is '7', not '8'")),
        ({}, "7\nTime: 2000.5 ms (00:02.000)\n", ("failed", "took 2.00 s, longer than 1 s")),
        ({}, "", ("unknown", "could not be looked at: exit code 0")),
    ],
)
def test_a_query_of_the_config_is_judged(check: dict[str, Any], stdout: str, told: tuple[str, str]) -> None:
    assert custom("queries", {"name": "q", "sql": "SELECT 1", **check}, result(stdout)) == told


def test_checks_are_asked_where_their_service_runs() -> None:
    data = {"name": "data", "address": "d", "services": ["postgres", "redis", "minio"]}
    web = {"name": "web", "address": "w", "services": ["pdf-worker", "backend", "frontend"], "migrates": True}
    tiers = [
        {"name": "A", "services": ["redis", "minio"]},
        {"name": "B", "services": ["pdf-worker", "backend", "frontend"]},
    ]
    config = settings(data, web, tiers=tiers, verify={"queries": [{"name": "q", "sql": "SELECT 1"}]})
    asked = {
        host.name: [check.name for check in checks.on(config, host, checks.GROUPS)] for host in config.hosts
    }
    assert asked["data"] == ["services", "logs", "q"]
    assert asked["web"] == [
        "services",
        "backend",
        "frontend",
        "database",
        "metrics",
        "migrations",
        "queue",
        "logs",
    ]


def test_an_answer_that_nobody_understands_is_unknown() -> None:
    config = settings("app1")
    (found,) = checks.on(config, config.hosts[0], ("metrics",))
    assert (
        checks.judged([found], [result('HTTP/1.1 200 X\r\n\r\n{"data": {}}\n\x1e9 \n')])[0].verdict
        is CheckVerdict.UNKNOWN
    )


def test_a_group_without_checks_asks_nothing() -> None:
    fake = FakeHost()
    assert run.look(context(fake, settings("app1")), ("custom",)) == ()
    assert fake.commands == []


def test_two_checks_of_one_name_and_a_service_that_is_nowhere_are_refused() -> None:
    twice = [CommandCheck(name="a", run=("true",)).model_dump()] * 2
    with pytest.raises(ValueError, match="a second check is called 'a'"):
        settings("app1", verify={"commands": twice})
    with pytest.raises(ValueError, match="no tier names the service 'redsi'; did you mean 'redis'"):
        settings("app1", verify={"commands": [{"name": "a", "run": ["true"], "service": "redsi"}]})
    with pytest.raises(ValueError, match="there is no database to ask"):
        settings("app1", database=None, verify={"queries": [{"name": "a", "sql": "SELECT 1"}]})
