"""The steps of every run, assembled from named parts."""

from __future__ import annotations

from typing import Any

import pytest
from deploying import OWNER, one
from fakes import FakeClock, FakeHost
from kit import minimal

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.run import deploy
from schedgen_ops.deploy.session import Session
from schedgen_ops.events import silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.guard.run import guarded
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
