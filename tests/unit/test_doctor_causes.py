"""What is named of what a host answered: answers of real hosts, one of them altered at a time."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import kit
import pytest
from planning import box

from schedgen_ops.doctor import containers, plan, remote_commands
from schedgen_ops.doctor.cause import Answers, Diagnosis, judged, of_problem
from schedgen_ops.preflight import host as look
from schedgen_ops.preflight.probe import Judge, Problem
from schedgen_ops.release import record
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.remote import Result

SETTINGS = kit.settings(
    limits={"disk_free_gb": 1, "memory_percent": 100},
    checks=[check | {"within": 20.0} for check in kit.application()["checks"]],
    verify={"queue": {"within": 20.0}},
)
LOCKED = (
    "6\t60\nTime: 8.543 ms\n"
    "1599\tpsql\t7\tSELECT count(*) FROM jobs"
    "\t1591\tschedgen\tpsql\tlocal\tactive\t9\tBEGIN; LOCK TABLE jobs\n"
    "1578\tpdf-worker\t5\tUPDATE jobs SET x = 1"
    "\t1591\tschedgen\tpsql\tlocal\tactive\t9\tBEGIN; LOCK TABLE jobs\n"
    "Time: 3.831 ms\nCreateJobs1712000000000\nCreateEvents1714500000000\nTime: 0.418 ms"
)
SHOWN = "[X] 1 CreateJobs1712000000000\n[X] 2 CreateEvents1714500000000\n"
NAMES = "CreateJobs1712000000000\nCreateEvents1714500000000"


def answered(*names: str, changed: Mapping[str, Result] | None = None) -> dict[str, Result]:
    """The answers of a host that is well, with those of other recordings and single ones put over them."""
    found: dict[str, Any] = {}
    for name in ("doctor-well", *names):
        found |= json.loads(kit.recorded(f"{name}.json"))
    results = {name: Result(seconds=0.1, **answer) for name, answer in found.items()}
    # That the lab's machine was busy is true, and not what is tested.
    results["load"] = Result("MemTotal: 8 kB\nMemAvailable: 6 kB\n0.10 0.10 0.10 1/200 4000\n2\n", "", 0, 0.1)
    return results | dict(changed or {})


def diagnosed(
    *names: str, issue: int = 0, changed: Mapping[str, Result] | None = None
) -> tuple[Diagnosis, ...]:
    """What is named of these answers."""
    answers = Answers(SETTINGS, SETTINGS.hosts[0], answered(*names, changed=changed))
    return judged(plan.causes(issue), answers)


def said(stdout: str = "", stderr: str = "", code: int = 0) -> Result:
    return Result(stdout, stderr, code, 0.1)


def only(found: tuple[Diagnosis, ...]) -> Diagnosis:
    (one,) = found
    return one


def test_nothing_is_named_of_a_host_that_is_well() -> None:
    assert diagnosed() == ()
    assert all(diagnosed(issue=issue) == () for issue in plan.ISSUES)


def test_what_a_check_asks_and_is_not_there_is_not_said_to_look_well() -> None:
    """Without tiers, which would name it; as after a first deploy that was taken down."""
    config = SETTINGS.model_copy(update={"tiers": ()})
    changed = {"containers": said(), "check frontend": said("HTTP/1.1 500 No\r\n\r\n\n\x1e1000 ")}
    found = judged(plan.causes(), Answers(config, config.hosts[0], answered(changed=changed)))
    fixes = {one.text: one.fix for one in found}
    assert fixes["frontend has no container"] == "inv deploy"
    assert not [text for text in fixes if "looks well" in text]


def test_every_trouble_of_services_is_named_and_what_follows_from_one_is_told_there() -> None:
    found = {one.cause: one for one in diagnosed("doctor-services")}
    assert set(found) == {
        "stopped",
        "no container",
        "port taken",
        "paused",
        "crashed",
        "restarting",
        "out of memory",
    }
    assert found["stopped"].evidence == ("odd4 is unhealthy, and needs redis",)
    assert {"redis", "odd4", "backend", "frontend"} <= {*found["stopped"].services}
    assert found["port taken"].evidence[0] == "port 3000: the container other has it"
    assert found["port taken"].fix.endswith("`inv ops.start frontend`")
    assert found["crashed"].evidence == ("Error: cannot read /etc/odd",)
    assert found["restarting"].evidence[0] == "its log tells of: configuration"
    assert "its limit is 20 MB" in found["out of memory"].text
    assert all(one.known for one in found.values())


BLANK = '{"services":{"variables":{"labels":{"POSTGRES_PASSWORD":""}}}}'
ENGINE_AWAY = (
    "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is the docker daemon running?"
)
ONE: dict[str, tuple[dict[str, Result], str, str]] = {
    "maintenance": (
        {"maintenance": said("visitors of all services are turned away (ann)\n")},
        "maintenance",
        "visitors of all services are turned away (ann)",
    ),
    "half-exchanged": (
        {"swapping": said('swapping {"backup": "manual-20250115_120000"}')},
        "half-exchanged data",
        "data was being exchanged by a restore when the host, or the run, was cut off",
    ),
    "disk": (
        {"rooms": said("/srv/schedgen\t99999\t5000000\t6000000")},
        "disk space",
        "0.10 GB are free where /srv/schedgen is, 1 GB are needed",
    ),
    "inodes": (
        {"rooms": said("/srv/schedgen\t9999999\t900\t6000000")},
        "inodes",
        "900 of 6000000 inodes are free where /srv/schedgen is",
    ),
    "permissions": (
        {"backups": said("dr-xr-xr-x 2 root root 40 Nov 28 20:00 /srv/schedgen/backups", code=1)},
        "permissions",
        "/srv/schedgen/backups is not writable",
    ),
    "credentials": (
        {"credentials": said(f"own \nhere {BLANK}\nalone {BLANK}")},
        "credentials",
        ".env does not set POSTGRES_PASSWORD, MINIO_ACCESS_KEY, MINIO_SECRET_KEY",
    ),
    "variables": (
        {"config": said(stderr='level=warning msg="The \\"NOWHERE\\" variable is not set."')},
        "configuration",
        "the compose file names variables that .env does not set: NOWHERE",
    ),
    "compose file": (
        {"config": said(stderr="yaml: line 3: did not find expected key", code=15)},
        "configuration",
        "Docker Compose does not take the compose file as it is on the host",
    ),
    "git remote": (
        {"source": said(stderr="fatal: unable to access: Could not resolve host: git.example", code=128)},
        "network",
        "the git remote origin does not answer",
    ),
    "password": (
        {"database": said(stderr='FATAL:  password authentication failed for user "schedgen"', code=2)},
        "database",
        "the database refuses the password of schedgen",
    ),
    "crowd": (
        {"database": said(stderr="FATAL:  sorry, too many clients already", code=2)},
        "database",
        "the database postgres admits no more sessions",
    ),
    "nearly crowded": (
        {"database": said(f"55\t60\nTime: 1.0 ms\nTime: 1.0 ms\n{NAMES}\nTime: 1.0 ms")},
        "database",
        "55 of the 60 sessions that postgres admits are in use",
    ),
    "locked": (
        {"database": said(LOCKED)},
        "database locked",
        "session 1591 (schedgen from local, psql) keeps 2 waiting: active for 9 s in a transaction",
    ),
    "pending": (
        {"migrations": said(SHOWN + "[ ] AddPages1720000000000\n")},
        "migrations pending",
        "1 pending: AddPages1720000000000",
    ),
    "older": (
        {"migrations": said(SHOWN + "[ ] AddPages1713000000000\n")},
        "migrations conflict",
        "migrations conflict: AddPages1713000000000 is older than the newest that is applied",
    ),
    "same time": (
        {"migrations": said(SHOWN + "[ ] A1720000000000\n[ ] B1720000000000\n")},
        "migrations conflict",
        "migrations conflict: A1720000000000 and B1720000000000 have the same time",
    ),
    "strange": (
        {"database": said(f"5\t60\nTime: 1.0 ms\nTime: 1.0 ms\n{NAMES}\nOther1700000000000\nTime: 1.0 ms")},
        "migrations conflict",
        "the database has migrations that this release does not know: Other1700000000000",
    ),
    "endpoint": (
        {"check frontend": said("HTTP/1.1 500 No\r\n\r\n\n\x1e1000 ")},
        "endpoint",
        "frontend http://localhost:3000/ fails although frontend looks well: answered 500",
    ),
    "memory": (
        {"stats": said("schedgen-backend-1 97.10% 372MiB / 384MiB")},
        "out of memory",
        "backend: schedgen-backend-1 uses 97.10% of its memory, 372MiB / 384MiB",
    ),
}


@pytest.mark.parametrize("case", ONE)
def test_one_cause_is_named_alone(case: str) -> None:
    changed, cause, text = ONE[case]
    found = only(diagnosed(changed=changed))
    assert (found.cause, found.known) == (cause, True)
    assert found.text.startswith(text)
    assert found.fix


def test_a_host_without_its_engine_is_told_of_the_engine_alone() -> None:
    away = said(stderr=ENGINE_AWAY, code=1)
    needing = (
        "engine",
        "containers",
        "details",
        "images",
        "stats",
        "logs",
        "database",
        "migrations",
        "owners",
    )
    found = only(diagnosed(changed=dict.fromkeys((*needing, "credentials", "config"), away)))
    assert found.cause == "Docker daemon"


@pytest.mark.parametrize("probe", ["containers", "rooms", "load", "logs", "releases", "owners", "migrations"])
@pytest.mark.parametrize(
    "answer", [said(stderr="did not end within 30 s", code=124), said("\x00?\tnonsense")]
)
def test_what_could_not_be_looked_at_is_unknown_and_never_well(probe: str, answer: Result) -> None:
    found = diagnosed(changed={probe: answer})
    if answer.ok and probe in ("releases", "owners", "load"):
        # A line that is no record is passed over, as everywhere; the others cannot be read.
        return
    assert found
    assert not [one for one in found if one.known], found


def releases(state: record.State, error: str) -> Result:
    made = record.Release(ReleaseId("20261124_034336-b88a827"), "main", "b" * 40, state, error=error)
    return said(f"\n{made.id} {record.to_json(made)}")


@pytest.mark.parametrize(
    ("error", "cause", "fix"),
    [
        (
            "the migrations failed with exit code 1\nerror: syntax error",
            "migration failed",
            "inv ops.migrations",
        ),
        (
            "the build failed\nfailed to solve: parent snapshot sha256:1 does not exist",
            "build cache",
            "--no-cache",
        ),
        ("the build failed\ndial tcp: lookup registry-1.docker.io: no such host", "network", "inv deploy"),
        ("backend did not become healthy", "failed deploy", "inv deploy"),
    ],
)
def test_how_the_last_deploy_failed_is_named(error: str, cause: str, fix: str) -> None:
    found = only(diagnosed(changed={"releases": releases(record.State.FAILED, error)}))
    assert (found.cause, fix in found.fix) == (cause, True)


@pytest.mark.parametrize(
    ("judge", "answer"),
    [
        (look.owners(SETTINGS), said(stderr="denied", code=1)),
        (look.database(SETTINGS, SETTINGS.hosts[0]), said(stderr="denied", code=1)),
        (look.disk(SETTINGS), said(stderr="denied", code=1)),
        (look.disk(SETTINGS), said("project\t/srv\t/dev/sda1 9000 100 99999999999 1% /srv\n")),
        (look.plugin, said("a fork of it")),
        (look.load(SETTINGS), said(stderr="denied", code=1)),
    ],
)
def test_what_preflight_could_not_find_out_is_unknown_to_doctor_too(judge: Judge, answer: Result) -> None:
    found = [of_problem("it", problem) for problem in judge(answer)]
    assert [one.known for one in found] == [False], found


def test_a_problem_is_unknown_by_what_it_says_of_itself_not_by_its_words() -> None:
    assert of_problem("git", Problem("the branch is not known to the git remote")).known
    assert not of_problem("git", Problem("who can tell?", unknown=True)).known


def test_an_image_of_the_serving_release_that_is_gone_is_named() -> None:
    runs = {"grafana": record.ServiceRecord("schedgen-grafana:gone", "sha256:gone", "d")}
    made = record.Release(
        ReleaseId("20261124_034336-b88a827"), "main", "b" * 40, record.State.DONE, services=runs
    )
    told = said(f"{made.id}\n{made.id} {record.to_json(made)}")
    found = only(diagnosed(changed={"releases": told}))
    assert (found.cause, found.fix) == ("image missing", "inv ops.build grafana")
    assert "schedgen-grafana:gone" in found.text


def test_an_error_that_is_new_is_named_with_the_commits_that_touch_its_file() -> None:
    old, new = "a" * 40, "b" * 40
    before = record.Release(ReleaseId(f"20261124_034336-{old[:7]}"), "main", old, record.State.DONE)
    serving = record.Release(
        ReleaseId(f"20261125_034336-{new[:7]}"), "main", new, record.State.DONE, previous=before.id
    )
    told = "\n".join([serving.id, *(f"{one.id} {record.to_json(one)}" for one in (before, serving))])
    log = "since\t1\t60\nearlier\nlog\tbackend\t3\tTypeError at upload.js:#\tTypeError at upload.js:12"
    history = (
        f"commit {new} Count pages\n\nbackend/src/upload.js\ncommit {old} Older\n\nbackend/src/upload.js"
    )
    found = only(diagnosed(changed={"releases": said(told), "logs": said(log), "changes": said(history)}))
    assert found.cause == "new errors"
    assert found.evidence == ("commits of this release that touch upload.js:", "bbbbbbb Count pages")


def test_the_script_tells_the_room_of_a_folder_that_is_not_there_yet(tmp_path: Path) -> None:
    from schedgen_ops.commands.docker import Docker

    kit.program(tmp_path / "bin", "docker", "exit 1")
    asked = remote_commands.rooms(Docker(), f"{tmp_path}/a/b", "/tmp")
    rooms = remote_commands.parse_rooms(kit.bash(asked, tmp_path, PATH=kit.path(tmp_path / "bin")).stdout)
    assert [room.folder for room in rooms] == [f"{tmp_path}/a/b", "/tmp"]
    assert all(room.free > 0 for room in rooms)


def test_ports_and_needs_of_containers_are_read() -> None:
    boxes = remote_commands.parse_services(answered()["details"].stdout)
    assert {3000, 3001, 3002, 9090} <= {port for box in boxes.boxes.values() for port in box.ports}
    assert ("minio", "postgres", "redis") in {tuple(sorted(box.needs)) for box in boxes.boxes.values()}
    assert boxes.listening[3001] == "the container schedgen-backend-1"
    assert boxes.killed == frozenset()


@pytest.mark.parametrize(
    ("told", "memory", "cause", "said"),
    [
        (True, 20 << 20, "out of memory", "was killed for want of memory, its limit is 20 MB"),
        (False, 20 << 20, "out of memory", "its limit is 20 MB: for want of memory, or it did not end"),
        (False, 0, "stopped", "is stopped (exit code 137)"),
    ],
)
def test_a_killed_container_with_a_limit_is_one_that_may_have_wanted_memory(
    told: bool, memory: int, cause: str, said: str
) -> None:
    seen = replace(box("api", "r1", "i"), status="exited", exit_code=137, oom_killed=told)
    details = remote_commands.Boxes(0, {seen.id: remote_commands.ContainerDetail(memory=memory)})
    found = containers.trouble(seen, details)
    assert found is not None
    assert (found.cause, said in found.text) == (cause, True)


def test_what_wanted_memory_is_named_as_long_as_it_is_there() -> None:
    known = answered()["details"].stdout
    lost = {"details": said(f"{known}\noom backend\noom gone\n")}
    found = only(diagnosed(changed=lost))
    assert (found.cause, found.text.partition(":")[0]) == ("out of memory", "backend")


def test_a_session_is_ended_on_the_host_that_has_it() -> None:
    other = SETTINGS.hosts[0].model_copy(update={"name": "app2"})
    for hosts, fix in (
        ((other,), "inv ops.end-session 1591"),
        ((SETTINGS.hosts[0], other), "inv ops.end-session 1591 --hosts app2"),
    ):
        answers = Answers(
            SETTINGS.model_copy(update={"hosts": hosts}), other, answered(changed={"database": said(LOCKED)})
        )
        assert [found.fix for found in judged(plan.causes(0), answers)] == [fix]
