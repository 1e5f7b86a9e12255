"""The steps of every run, assembled from named parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from deploying import OWNER, one
from fakes import FakeClock, FakeHost
from kit import minimal, settings

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import own
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.run import deploy
from schedgen_ops.deploy.session import Session
from schedgen_ops.events import silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.guard.run import guarded
from schedgen_ops.hooks import placing
from schedgen_ops.hooks.calling import RunHooks
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollback.run import rollback
from schedgen_ops.settings import Settings
from schedgen_ops.steps import Step


def session(settings: Settings = one) -> Session:
    return Session(
        settings, Fleet([FakeHost("app1")]), Ref("v1"), "20250115_120000", FakeClock(), silence, OWNER
    )


def marks(step: Step) -> str:
    """A step on one line: what it is, and after it how the runner treats it."""
    flags = [name for name in ("gate", "beside", "waits", "settles", "stays") if getattr(step, name)]
    return " ".join(filter(None, [step.number, step.title, *flags, "undo" if step.undo else ""]))


def text(run: Pipeline) -> str:
    return "\n".join(map(marks, run.steps))


DEPLOY = """\
Pre-flight Checks gate
0 Pre-deployment backup beside
1 Pulling latest code undo
2 Building containers undo
3 Running database migrations waits undo
Ingress undo
4 Rolling update - Infrastructure services undo
5 Rolling update - Application services undo
6 Rolling update - Monitoring services undo
"""


def test_a_deploy() -> None:
    end = "7 Post-deployment verification settles undo\n8 Cleaning up old images stays"
    assert text(deploy(session())) == DEPLOY + end


def test_a_guarded_deploy_is_the_same_until_its_verification_and_nothing_settles_before_the_watch() -> None:
    end = """\
7 Post-deployment verification
8 Extended monitoring with automatic rollback detection settles undo
9 Cleaning up old images stays"""
    assert text(guarded(session())) == DEPLOY + end


def test_without_data_migrations_and_tiers_the_ingress_waits_and_all_services_are_one_step() -> None:
    assert (
        text(deploy(session(minimal())))
        == """\
Pre-flight Checks gate
1 Pulling latest code undo
2 Building containers undo
Ingress waits undo
4 Rolling update undo
5 Post-deployment verification settles undo
6 Cleaning up old images stays"""
    )


ROLLBACK = """\
Pre-flight Checks gate
Release and images gate
1 Restoring code undo
{}Ingress undo
2 Rolling back services undo
{}3 Post-rollback verification settles undo
4 Cleaning up old images stays"""


class Data:
    """Stands for the data that goes back; it is only asked for its steps."""

    def __getattr__(self, name: str) -> Any:
        return lambda: None


@pytest.mark.parametrize(
    ("options", "before", "after"),
    [
        ({}, "", ""),
        ({"revert": True}, "Reverting migrations undo\n", ""),
        ({"data": Data()}, "Restoring the database beside undo\n", "Exchanging the database undo\n"),
    ],
    ids=["plain", "migrations", "data"],
)
def test_a_rollback(options: dict[str, Any], before: str, after: str) -> None:
    assert text(rollback(session(), ReleaseId("r1"), **options)) == ROLLBACK.format(before, after)


def test_hooks_and_own_steps_come_before_the_first_host_and_after_the_last(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = settings("app1", "app2", "app3", balancer={"health": "/healthz"})
    hosts = Fleet([FakeHost(host.name) for host in config.hosts])
    run = deploy(Session(config, hosts, Ref("v1"), "20250115_120000", FakeClock(), silence, OWNER))
    monkeypatch.setattr(own, "_steps", [])
    own.step("Mine before", before="Ingress")(lambda *_: None)
    own.step("Mine after", after="Rolling update - Application services")(lambda *_: None)
    path = Path("/bin/true")
    hooks = RunHooks({"pre-frontend": path, "post-frontend": path}, 5, silence, dict)
    titles = [step.title for step in placing.added(own.added(run), hooks).steps]
    first, last = titles.index("Rolling update of app1"), titles.index("Rolling update of app3")
    assert titles[first - 2 : first] == ["Mine before", "Hook pre-frontend"]
    assert titles[last + 1 : last + 3] == ["Hook post-frontend", "Mine after"]
    assert len(titles) == len(set(titles))


def test_behind_a_load_balancer_a_step_is_of_hosts() -> None:
    config = settings("app1", "app2", "app3", balancer={"health": "/healthz"}, rollout={"batch": 2})
    hosts = Fleet([FakeHost(host.name) for host in config.hosts])
    three = Session(config, hosts, Ref("v1"), "20250115_120000", FakeClock(), silence, OWNER)
    until = DEPLOY.partition("Ingress")[0]
    by_host = "4-6 Rolling update of app1, app2 undo\n4-6 Rolling update of app3 undo\n"
    assert text(deploy(three)).startswith(until + by_host)
    tiers = ("Infrastructure", "Application", "Monitoring")
    parts = ("Ingress", *(f"Rolling update - {name} services" for name in tiers))
    assert [step.parts for step in deploy(three).steps if step.parts] == [parts] * 2
    assert "2 Rolling back services undo" not in text(rollback(three, ReleaseId("r1")))
    assert text(rollback(three, ReleaseId("r1"))).count("2 Rolling back app") == 2
