"""A sentence of success is said of what happened, and a step is shown where it applies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from deploying import FIRST, OWNER, SECOND, Outcome, deployed, messages
from fakes import FakeClock
from kit import settings, written
from simulated import Fault, SimHost
from simulated_world import STATE, fresh
from test_recovery import NEWER, at, killed, wrong
from test_tasks import Capture, Inv

from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import measured
from schedgen_ops.deploy.run import deploy
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import ConnectionLost, OpsError, Refused
from schedgen_ops.events import Event, Message, StepStarted, silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.guard.plan import Stage
from schedgen_ops.guard.story import HostWatch
from schedgen_ops.runner import StepRunner
from schedgen_ops.steps import Step
from schedgen_ops.ui.failure import failure_lines, of_error
from schedgen_ops.watch.policy import GuardPolicy

inv = test_tasks.inv

NO_DATA: dict[str, Any] = {"database": None, "objects": None, "credentials": []}
WEB = {"name": "app2", "address": "app2", "services": ["backend", "frontend"]}


def run(*hosts: SimHost, rows: Sequence[Any] = ("app1",), branch: str = "v1.2.3", **values: Any) -> Outcome:
    """A deploy to simulated hosts with these settings."""
    seen: list[Event] = []
    world = hosts[0].world
    begun = SECOND if world.current else FIRST
    chosen = settings(*rows, **values)
    todo = deploy(Session(chosen, Fleet(hosts), Ref(branch), begun, FakeClock(), seen.append, OWNER))
    try:
        release = todo()
    except OpsError as error:
        return Outcome(error.exit_code, error, tuple(seen))
    return Outcome(0, None, tuple(seen), release)


def steps(outcome: Outcome) -> dict[str, str]:
    """The titles of the steps that were begun, by their numbers."""
    return {event.number: event.title for event in outcome.events if isinstance(event, StepStarted)}


def said(outcome: Outcome, part: str) -> list[str]:
    return [text for level in ("info", "warn") for text in messages(outcome, level) if part in text]


def test_without_data_there_is_no_backup_and_nothing_says_so() -> None:
    host = SimHost()
    outcome = run(host, **NO_DATA)
    assert outcome.code == 0, outcome.error
    assert "0" not in steps(outcome)
    assert not said(outcome, "backup")
    assert not host.world.backups
    # The others keep the runbook's numbers.
    assert steps(outcome)["7"] == "Post-deployment verification"
    assert steps(outcome)["3"] == "Running database migrations"


def test_without_migrations_none_completed() -> None:
    host = SimHost()
    outcome = run(host, migrations=None)
    assert outcome.code == 0, outcome.error
    assert "3" not in steps(outcome)
    assert not said(outcome, "igration")
    # The backup was waited for, and is on record, before anything that serves is touched.
    assert said(outcome, "Pre-deployment backup completed successfully")
    order = [event.title for event in outcome.events if isinstance(event, StepStarted)]
    assert order.index("Ingress") == order.index("Building containers") + 1
    assert "backups/pre-deployment-" in host.world.files[f"{STATE}/releases/{outcome.release}/release.json"]


def test_neither_data_nor_migrations_leave_a_deploy_whole() -> None:
    outcome = run(SimHost(), migrations=None, **NO_DATA)
    assert (outcome.code, sorted(steps(outcome))) == (0, ["", "1", "2", "4", "5", "6", "7", "8"])


def test_hosts_without_data_have_no_step_for_it_and_none_for_a_tier_that_is_not_theirs() -> None:
    host = SimHost("app2")
    outcome = run(host, rows=("app1", WEB))
    assert outcome.code == 0, outcome.error
    assert sorted(steps(outcome)) == ["", "1", "2", "5", "7", "8"]
    assert steps(outcome)["5"] == "Rolling update - Application services"


def test_a_release_that_is_there_already_is_neither_updated_nor_pulled() -> None:
    outcome = run(SimHost(world=deployed()))
    assert outcome.code == 0, outcome.error
    assert said(outcome, "The code is there already: v1.2.3 is")
    assert not said(outcome, "Code updated")
    assert not said(outcome, "updated successfully")


def test_where_no_image_is_built_none_was() -> None:
    only = [{"name": "Infrastructure", "services": ["redis"]}]
    outcome = run(SimHost(), tiers=only, migrations=None, checks=[], verify={}, **NO_DATA)
    assert outcome.code == 0, outcome.error
    assert said(outcome, "Nothing to build: every image comes from elsewhere")
    assert not said(outcome, "built successfully")


def test_what_cannot_be_removed_is_not_counted_as_removed() -> None:
    world = deployed()
    stuck = {f"schedgen-backend:2020010{n}_000000-{'a' * 7}": f"sha256:{n}" for n in range(3)}
    host = SimHost(world=replace(world, images={**world.images, **stuck}))
    outcome = run(host, branch="v1.2.4", releases={"keep": 1})
    assert outcome.code == 0, outcome.error
    (text,) = said(outcome, "ld images")
    gone = len({*world.images, *stuck} - {*host.world.images})
    assert text.startswith(f"Old images cleaned up ({gone} removed, ")


def test_a_verification_of_nothing_is_not_passed() -> None:
    seen: list[Event] = []
    measured.verified((), seen.append)
    assert [event.level for event in seen if isinstance(event, Message)] == ["warn"]


# What is so after a failure

NO_ROOM = Fault(0, said="free 1\n", after=True, named="^look at the room")


def ended(outcome: Outcome) -> tuple[int, str]:
    """The exit code, and the outcome as an operator reads it."""
    assert outcome.error is not None
    lines = failure_lines(of_error(outcome.error))
    return outcome.code, next((line.partition(":")[2].strip() for line in lines if "outcome:" in line), "")


def test_where_nothing_served_before_nothing_still_serves() -> None:
    sick = replace(fresh(), sick=("backend",))
    outcome = run(SimHost(world=replace(sick, boxes={})), migrations=None, **NO_DATA)
    assert ended(outcome) == (4, "what was done is taken back; nothing served before")
    assert ended(run(SimHost(world=sick))) == (4, "the old release still serves")


def broken(fault: Fault, kind: type[SimHost] = SimHost) -> tuple[SimHost, Outcome]:
    """A deploy that meets a fault, on a host where another one was killed in its roll-out."""
    left = killed(deployed(), at("replace backend"))
    host = kind(world=left, fault=fault)
    return host, run(host, branch="v1.2.4")


def test_a_refusal_after_a_recovery_tells_what_was_put_right() -> None:
    host, outcome = broken(NO_ROOM)
    assert ended(outcome) == (3, f"{NEWER} was taken back; nothing else was changed")
    assert not wrong(host.world)


@pytest.mark.parametrize("error", [1, KeyboardInterrupt], ids=["error", "interrupted"])
def test_a_recovery_that_stops_halfway_is_no_refusal(error: type[BaseException] | int) -> None:
    _, outcome = broken(Fault(0, error, named="^replace backend"))
    assert ended(outcome) == (5, "what an interrupted run had left is put right in part")


def test_a_failure_before_anything_is_begun_needs_no_human() -> None:
    for fault in (NO_ROOM, Fault(0, 1, named="^look at the room")):
        assert ended(run(SimHost(fault=fault))) == (3, "nothing was changed")


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Refused("held"), ConnectionLost("gone")])
def test_what_is_removed_for_good_is_not_said_to_be_unchanged(error: BaseException) -> None:
    def fail() -> None:
        raise error

    with pytest.raises(OpsError) as caught:
        StepRunner(silence, FakeClock()).run((Step("", "Removing", fail, gate=True, lasting=True),))
    assert caught.value.outcome == "what was done until then stays"
    assert caught.value.exit_code == (5 if isinstance(error, KeyboardInterrupt) else error.exit_code)  # type: ignore[attr-defined]


def test_a_recovery_says_what_it_put_right_or_that_nothing_was(inv: Inv, capsys: Capture) -> None:
    assert inv("deploy.recover", on=[SimHost(world=killed(deployed(), at("replace backend")))]) == 0
    assert f"{NEWER} was taken back; {FIRST}-" in capsys.readouterr().out
    assert inv("deploy.recover", on=[SimHost(world=deployed())]) == 0
    assert "nothing was left to put right; " in capsys.readouterr().out


# Backups by hand


def backed_up(inv: Inv, tmp_path: Path, task: str, **values: object) -> tuple[int, list[bool]]:
    """The exit code, and which of two hosts, the database's and the objects', made one."""
    rows = [{"name": name, "address": name, "services": [kind]} for name, kind in HOLDERS.items()]
    tiers = [{"name": "Data", "services": [*HOLDERS.values()]}]
    none: dict[str, Any] = {
        "checks": [],
        "migrations": None,
        "verify": {"flow": None, "queue": None, "prometheus": None},
    }
    config = written(hosts=rows, tiers=tiers, **{**none, **values})
    (tmp_path / "config/staging.yaml").write_text(config)
    hosts = [SimHost(name) for name in HOLDERS]
    return inv(task, on=hosts), [bool(host.world.backups) for host in hosts]


HOLDERS = {"app1": "postgres", "app2": "minio"}


@pytest.mark.parametrize(
    ("task", "made"),
    [("backup.database", [True, False]), ("backup.objects", [False, True]), ("backup", [True, True])],
)
def test_a_part_is_backed_up_where_it_is(inv: Inv, tmp_path: Path, task: str, made: list[bool]) -> None:
    assert backed_up(inv, tmp_path, task) == (0, made)


def test_nothing_to_back_up_is_a_refusal(inv: Inv, tmp_path: Path, capsys: Capture) -> None:
    assert backed_up(inv, tmp_path, "backup", database=None, objects=None) == (3, [False, False])
    assert "outcome: nothing was changed" in capsys.readouterr().err


@pytest.mark.parametrize("share", [10, 100])
def test_a_share_that_the_ingress_did_not_take_is_not_said_to_be_given(share: int) -> None:
    seen: list[Event] = []
    watch = HostWatch(GuardPolicy(), (Stage(10, 60), Stage(100, 60)), seen.append, "app1")
    for line in ("sample 1.00 0 - - - - - - - - - - - - - -", f"unweighed {share}", f"stage {share} 60"):
        watch.take(line)
    told = [(event.level, event.text) for event in seen if isinstance(event, Message)]
    text = f"The ingress did not take the share of {share}%: the requests go as they went before"
    assert ("warn", text) in told
    assert not [text for _, text in told if "requests go to the new release" in text]
    assert watch.stage == Stage(share, 60)
