"""What runs a job on a host, and who looks at it later."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import kit
import pytest
from engine_stub import Engine
from fakes import FakeHost, context
from kit import minimal
from planning import release
from test_jobs import MIGRATIONS, NAME, listed, listing, tiers, with_job

from schedgen_ops.commands.docker import Container, Docker
from schedgen_ops.emergency.run import EmergencyHost
from schedgen_ops.events import Event
from schedgen_ops.looking.service_status import services as services_of
from schedgen_ops.ops import remote_commands
from schedgen_ops.ops import services as operations
from schedgen_ops.release.record import ReleaseId, to_json
from schedgen_ops.shell import Command
from schedgen_ops.watch import rules
from schedgen_ops.watch.host_sample import HostSample, Reader

# What runs it


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def ran(engine: Engine, limit: int = 20) -> Any:
    engine.say(release="r2")
    state = str(engine.state)
    asked = engine.compose.run_job(state, f"{state}/releases/r2", "init", limit, release_id=ReleaseId("r2"))
    return engine.run(asked)


def made(engine: Engine) -> int:
    return sum(line.startswith("made") for line in engine.log)


def test_it_is_waited_for_until_it_has_ended(engine: Engine) -> None:
    engine.has("init")
    engine.say(ends="yes")
    assert ran(engine).ok
    assert [*engine.containers.values()] == ["init exited healthy r2"]
    # Sent again, as after a lost connection, it runs nothing twice.
    assert ran(engine).ok
    assert made(engine) == 1


def test_one_that_still_runs_is_waited_for_and_not_begun_again(engine: Engine) -> None:
    engine.say(release="r2")
    engine.has("init")
    engine.say(ends="yes")
    assert ran(engine).ok
    assert made(engine) == 0


def test_one_that_does_not_end_well_is_removed_and_its_last_words_are_told(engine: Engine) -> None:
    engine.say(ends="yes", code_init="3")
    answer = ran(engine)
    assert (answer.code, answer.stderr.strip()) == (1, "ended with exit code 3")
    assert "say init | out of luck" in answer.stdout
    assert not engine.containers


def test_one_that_does_not_end_is_stopped_and_removed(engine: Engine) -> None:
    answer = ran(engine, limit=1)
    assert (answer.code, answer.stderr.strip()) == (1, "had not ended after 1s")
    assert not engine.containers
    assert "stop 1" in engine.log


def test_one_that_cannot_be_started_is_said_to_be(engine: Engine) -> None:
    engine.say(broken="yes")
    answer = ran(engine)
    assert not answer.ok
    assert answer.stderr.strip().splitlines()[-1] == "could not be started"


# Who looks at it later


def test_a_verification_takes_it_for_good_also_where_it_was_cleared_away() -> None:
    settings = tiers("init", "web")
    web = {NAME: "web", "schedgen.release": "r2", "schedgen.jobs": "init:service_completed_successfully"}
    job = web | {NAME: "init"}

    def verdicts(*boxes: Container) -> dict[str, rules.CheckVerdict]:
        return {each.check: each.verdict for each in rules.containers(boxes, settings, settings.hosts[0])}

    (up,) = (replace(each, status="running", health="") for each in listed(web))
    passed, failed = rules.CheckVerdict.PASSED, rules.CheckVerdict.FAILED
    assert verdicts(up, *listed(job)) == {"service init": passed, "service web": passed}
    assert verdicts(up, *listed(job, code=3))["service init"] is failed
    assert verdicts(up) == {"service web": passed}
    assert verdicts(replace(up, jobs=frozenset()))["service init"] is failed


def sampled(*containers: tuple[str, str, str, str]) -> HostSample:
    rows = [
        f"container\ti-{name}\t/{name}\t{name}\tr2\t{status}\t-\t0\tfalse\t2025\t-\t{code}\t{jobs}"
        for name, status, code, jobs in containers
    ]
    reader = Reader(0)
    lines = ("round\t1\t1", "containers", *rows, "end\t1\t1")
    return next(found for line in lines if (found := reader.feed(line)))


def test_inv_status_shows_it_as_ended_and_misses_none() -> None:
    settings, told = tiers("init", "web"), "init:service_completed_successfully,"

    def rows(*containers: tuple[str, str, str, str]) -> list[tuple[str, str, bool]]:
        found = services_of(settings, settings.hosts[0], sampled(*containers))
        return [(each.service, each.state, each.good) for each in found or ()]

    web = ("web", "running", "0", told)
    assert rows(("init", "exited", "0", told), web) == [
        ("init", "exited (0)", True),
        ("web", "running", True),
    ]
    assert rows(("init", "exited", "3", told), web)[0] == ("init", "exited (3)", False)
    assert rows(web) == [("web", "running", True)]
    assert rows(("web", "running", "0", ","))[0] == ("init", "missing", False)


def test_what_only_migrates_needs_no_container() -> None:
    settings = tiers("web", migrations=MIGRATIONS)
    assert settings.kept_on(settings.hosts[0]) == ("web",)
    assert "init" in settings.services


@pytest.mark.parametrize(("state", "code"), [("exited none 0 a1", 0), ("exited none 3 a1", 1)])
def test_one_that_is_run_again_by_hand_is_waited_for_until_it_ends(
    tmp_path: Path, state: str, code: int
) -> None:
    kit.program(tmp_path / "bin", "docker", f'case $1 in inspect) echo "{state}" ;; events) sleep 1 ;; esac')
    asked = remote_commands.restart(Docker(), ["a1"], 5, ["a1"])
    assert kit.bash(asked, tmp_path, PATH=kit.path(tmp_path / "bin")).code == code


JOB = {NAME: "init", "schedgen.release": "r2", "schedgen.jobs": "init:service_completed_successfully"}


@pytest.mark.parametrize(("code", "started"), [(0, []), (3, ["i0"])])
def test_inv_ops_start_leaves_one_that_has_ended_well_alone(code: int, started: list[str]) -> None:
    asked: list[object] = []

    def start(command: Command) -> str:
        asked.append(dict(command.values)["ending"])
        return ""

    host = FakeHost(answers={"docker inspect": listing(JOB, code=code), "docker start": start})
    told: list[Event] = []
    operations.start(host, tiers("init", "web"), told.append, ["init"])
    assert asked == ([tuple(started)] if started else [])
    assert ("ops.restart init` runs it again" in str(told)) is not bool(started)


def test_inv_ops_start_runs_one_that_is_gone_as_a_deploy_does() -> None:
    record = to_json(with_job(release("20250115_120000-aaaaaaa")))
    answers = {
        "docker inspect": "",
        "read the releases": f"20250115_120000-aaaaaaa\n\n{record}\n",
        "run init": "",
    }
    host = FakeHost(answers=answers)
    operations.start(host, tiers("init", "web"), lambda _: None, ["init"])
    assert "run init" in [command.title for command in host.commands]


def test_an_emergency_leaves_jobs_to_compose_which_runs_what_others_wait_for() -> None:
    record = to_json(with_job(release("20250115_120000-aaaaaaa")))
    answers = {
        "read the releases": f"20250115_120000-aaaaaaa\n\n{record}\n",
        "docker compose config --services": "init\napi\nseed\n",
        re.compile("up --detach"): "",
    }
    host = FakeHost(answers=answers)
    one = EmergencyHost(context(host, minimal(rollout={"jobs": ["seed"]})))
    one.up()
    assert host.commands[-1].title.endswith(" api")
    assert one.patience > minimal().rollout.job_deadline
