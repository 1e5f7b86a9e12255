"""The team told by a real service on loopback, of runs on simulated hosts."""

from __future__ import annotations

import json
import os
import select
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import test_tasks
import yaml
from deploying import deployed
from http_kit import serving
from simulated import Fault, SimHost
from simulated_world import fresh
from telling_kit import Service
from test_backup_restore import MADE
from test_backup_tasks import ready
from test_tasks import CONFIG, Capture, Inv

from schedgen_ops.errors import CommandTimedOut, ConnectionLost
from schedgen_ops.notify.addresses import address
from schedgen_ops.notify.apprise_service import Undelivered, without
from schedgen_ops.notify.delivery import Delivery
from schedgen_ops.notify.notice import Notice
from schedgen_ops.remote import Result
from schedgen_ops.settings.notify import Receiver
from schedgen_ops.shell import Command, Secret

inv = test_tasks.inv
Configure = Callable[..., None]


@pytest.fixture
def service() -> Iterator[Service]:
    with serving(Service()) as found:
        yield found


@pytest.fixture
def configure(inv: Inv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, service: Service) -> Configure:
    """Write a config that tells these receivers; by default the service on loopback."""
    monkeypatch.setenv("TEAM_URL", service.url)

    def write(*receivers: dict[str, object], **more: object) -> None:
        to = list(receivers) or [{"name": "team", "variable": "TEAM_URL"}]
        people = {
            "notify": {"to": to, "deadline": 60, **more},
            "escalation": [{"name": "Team lead", "contact": "+49 30 1234567"}],
        }
        (tmp_path / "config/staging.yaml").write_text(yaml.safe_dump(yaml.safe_load(CONFIG) | people))

    return write


def test_a_deploy_is_told_from_its_start_to_its_end(inv: Inv, configure: Configure, service: Service) -> None:
    configure()
    host = SimHost(world=deployed())
    assert inv("deploy", "--branch", "v1.2.4", on=[host]) == 0
    assert service.titles == [
        "Deployment of v1.2.4 on staging started",
        "Deployment of v1.2.4 on staging finished",
    ]
    start, end = (str(message["message"]) for message in service.told)
    assert "Estimated duration: not known" in start
    assert "Expected impact: None (zero-downtime); a short gap of grafana, minio" in start
    assert "requests during the run" in end
    assert "Changes:\n  1a2b3c4 Read larger files" in end
    assert "Log: " in end
    assert "staging/deploy-" in end


def test_the_second_deploy_says_how_long_the_first_one_took(
    inv: Inv, configure: Configure, service: Service
) -> None:
    configure()
    host = SimHost()
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 0
    assert inv("deploy", "--branch", "v1.2.4", on=[host]) == 0
    assert "Expected impact: None (zero-downtime)" in service.told[0]["message"]
    assert "Estimated duration: about " in service.told[2]["message"]


def test_a_gap_is_told_where_the_host_leads_no_connection_past_the_first_deploy(
    inv: Inv, configure: Configure, service: Service
) -> None:
    configure()
    host = SimHost(fault=Fault(0, named="^docker info", said="Docker is rootless here\n"))
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 0
    assert "Expected impact: A short gap on app1: the first run there" in service.told[0]["message"]


def test_a_deploy_that_is_taken_back_is_told_as_that(
    inv: Inv, configure: Configure, service: Service
) -> None:
    configure({"name": "team", "variable": "TEAM_URL", "on": ["rolled_back"]})
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost(world=replace(fresh(), sick=("backend",)))]) == 4
    (told,) = service.told
    assert told["title"] == "Deployment of v1.2.3 on staging failed and was taken back"
    assert told["type"] == "failure"


def test_a_rollback_is_told(inv: Inv, configure: Configure, service: Service) -> None:
    configure({"name": "team", "variable": "TEAM_URL", "on": ["started", "rolled_back"]})
    assert inv("rollback", "--yes", on=[SimHost(world=deployed())]) == 0
    assert [title.split(" to ")[0] for title in service.titles] == ["Rollback", "Rollback"]
    assert service.titles[1].endswith(" on staging finished")


def test_a_refused_deploy_is_told_to_those_who_want_it(
    inv: Inv, configure: Configure, service: Service
) -> None:
    configure({"name": "team", "variable": "TEAM_URL"})
    held = replace(fresh(), held_by=test_tasks.BOB)
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost(world=held)]) == 7
    assert service.told == []
    configure({"name": "team", "variable": "TEAM_URL", "on": ["refused"]})
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost(world=held)]) == 7
    assert service.titles == ["Deployment of v1.2.3 on staging was refused, somebody else is at work"]


def ticked(folder: Path) -> list[str]:
    """The marks of the team's boxes in the report of the newest deploy: of its start, of its end."""
    newest = max(folder.rglob("deploy-*.json"), key=lambda path: path.stat().st_mtime_ns)
    boxes = json.loads(newest.read_text())["checklist"]
    return [box["mark"] for box in boxes if box["title"].startswith("Team notified")]


@pytest.mark.parametrize(
    ("on", "marks"),
    [
        (["started", "finished"], ["passed", "passed"]),
        (["started"], ["passed", "yours"]),
        (["finished"], ["yours", "passed"]),
        (["failed"], ["yours", "yours"]),
    ],
)
def test_the_report_says_that_the_team_was_told_only_of_what_was_sent(
    inv: Inv, configure: Configure, tmp_path: Path, on: list[str], marks: list[str]
) -> None:
    configure({"name": "team", "variable": "TEAM_URL", "on": on})
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    assert ticked(tmp_path) == marks


def test_the_report_of_a_refused_deploy_says_that_nobody_was_told(
    inv: Inv, configure: Configure, tmp_path: Path
) -> None:
    configure()
    held = replace(fresh(), held_by=test_tasks.BOB)
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost(world=held)]) == 7
    assert ticked(tmp_path) == ["yours", "yours"]


def test_each_message_has_an_end_of_its_own() -> None:
    def send(_: Secret, notice: Notice) -> None:
        if notice.bad:
            raise Undelivered("error=500")

    delivery = Delivery(
        [Receiver(name="a", variable="A", on=("started", "failed"))], {"A": "json://a"}, 60, send
    )
    start, end, other = (
        Notice(frozenset({"started"}), "t", "b"),
        Notice(frozenset({"failed"}), "t", "b", bad=True),
        Notice(frozenset({"finished"}), "t", "b"),
    )
    for notice in (start, end, other):
        delivery.post(notice)
    assert delivery.finish() == {"a": "a was not told: error=500"}
    assert delivery.sent(start) == {"a": ""}
    assert delivery.sent(end) == {"a": "a was not told: error=500"}
    assert delivery.sent(other) == {}


class Slow(SimHost):
    """A host whose git does not list commits in time."""

    def _answer(self, command: Command) -> Result:
        if command.title == "git log":
            raise CommandTimedOut("git log took longer than 60 s")
        return super()._answer(command)


def test_a_list_of_changes_that_is_late_fails_no_deploy(inv: Inv, configure: Configure) -> None:
    configure()
    assert inv("deploy", "--branch", "v1.2.4", on=[Slow(world=deployed())]) == 0


def test_a_freeze_is_told_as_a_refusal(
    inv: Inv, configure: Configure, service: Service, tmp_path: Path
) -> None:
    freeze = [{"dates": "2020-01-01..2099-12-31", "why": "x"}]
    configure({"name": "team", "variable": "TEAM_URL", "on": ["started", "refused"]})
    config = tmp_path / "config/staging.yaml"
    config.write_text(yaml.safe_dump(yaml.safe_load(config.read_text()) | {"policy": {"freeze": freeze}}))
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 3
    assert service.titles == ["Deployment of v1.2.3 on staging was refused, nothing was changed"]


def test_a_backup_is_told_of_only_where_it_fails(inv: Inv, configure: Configure, service: Service) -> None:
    configure()
    assert inv("backup.drill", on=[ready(verify_the_backup="wrong database.sql.gz is missing\n")]) == 5
    assert service.titles == ["Restore drill on staging FAILED and needs a person"]
    assert "Call: Team lead: +49 30 1234567" in service.told[0]["message"]


def test_a_restore_is_told(inv: Inv, configure: Configure, service: Service) -> None:
    configure()
    assert inv("backup.restore", MADE.id, "--yes", on=[ready()]) == 0
    assert service.titles == ["Restore on staging started", "Restore on staging finished"]


def test_whom_to_call_is_shown_where_a_person_is_needed(
    inv: Inv, configure: Configure, capsys: Capture
) -> None:
    configure()
    assert inv("backup.drill", on=[ready(verify_the_backup="wrong database.sql.gz is missing\n")]) == 5
    assert "  call:    Team lead: +49 30 1234567\n" in capsys.readouterr().err


def test_a_service_that_hangs_changes_nothing_and_is_a_warning_at_the_end(
    inv: Inv, configure: Configure, service: Service, capsys: Capture
) -> None:
    configure(deadline=1)
    service.open.clear()
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    said = capsys.readouterr()
    assert "Deployment Complete" in said.out
    assert "[WARN] team was not told: " in said.err
    assert service.told == []


def test_a_service_that_refuses_is_a_warning_without_any_part_of_its_url(
    inv: Inv, configure: Configure, service: Service, capsys: Capture, tmp_path: Path
) -> None:
    configure()
    service.status = 500
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    said = capsys.readouterr()
    assert "[WARN] team was not told: " in said.err
    logs = "".join(path.read_text() for path in (tmp_path / "state").rglob("deploy-*"))
    assert "team was not told" in logs
    assert "t0ps3cret" not in said.out + said.err + logs


@pytest.mark.parametrize(
    ("receiver", "told"),
    [
        ({"variable": "NOT_SET"}, "the variable NOT_SET is not set"),
        ({"command": ["/nowhere/op"]}, "/nowhere/op could not be started: No such file or directory"),
        ({"command": ["false"]}, "false failed with exit code 1"),
        ({"command": ["true"]}, "true printed nothing"),
        ({"command": ["printf", r"a\nb"]}, "printf printed more than one line"),
        ({"command": ["echo", "nonsense://x"]}, "its URL is none that Apprise knows"),
    ],
)
def test_a_url_that_is_not_to_be_had_fails_the_test_message_and_no_run(
    inv: Inv, configure: Configure, capsys: Capture, receiver: dict[str, object], told: str
) -> None:
    configure({"name": "team", **receiver})
    assert inv("notify.test") == 6
    assert told in capsys.readouterr().out
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    assert f"[WARN] team was not told: {told}" in capsys.readouterr().err


def test_a_command_prints_the_url(inv: Inv, configure: Configure, service: Service, capsys: Capture) -> None:
    configure({"name": "team", "command": ["echo", service.url]}, {"name": "two", "variable": "TEAM_URL"})
    assert inv("notify.test") == 0
    assert capsys.readouterr().out.count("delivered") == 2
    assert service.titles == ["Test message from staging"] * 2


def test_a_command_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    script = f"sleep 600 & echo $! > {file}; wait"
    with pytest.raises(Exception, match="bash gave no answer within 1 seconds"):
        address(Receiver(name="x", command=("bash", "-c", script)), {}, 1)
    gone(int(file.read_text()))


def gone(pid: int) -> None:
    """Wait for the end of a process that was killed."""
    try:
        ear = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    assert select.select([ear], [], [], 60)[0], f"process {pid} still runs"
    os.close(ear)


def test_one_receiver_that_hangs_keeps_no_other_waiting() -> None:
    got, never = threading.Event(), threading.Event()

    def send(url: Secret, notice: Notice) -> None:
        if url.reveal() == "json://hangs":
            never.wait()
        got.set()

    receivers = [Receiver(name=name, variable=name) for name in ("hangs", "answers")]
    delivery = Delivery(receivers, {name: f"json://{name}" for name in ("hangs", "answers")}, 1, send)
    delivery.post(Notice(frozenset({"failed"}), "t", "b"))
    assert got.wait(60)
    assert delivery.finish() == {
        "hangs": "hangs was not told: 1 message not delivered in 1 seconds",
        "answers": "",
    }
    never.set()


def test_no_part_of_a_url_is_left_in_what_a_service_said() -> None:
    url = Secret("slack://tokenA123/tokenB456/#channel?x=hidden")
    said = without(url, "POST /tokenA123/tokenB456 failed for #channel (hidden), error=404")
    assert said == "POST /***/*** failed for *** (***), error=404"
    assert Undelivered("x").exit_code == 5


def test_where_nobody_is_told_nothing_of_it_is_imported(inv: Inv) -> None:
    for name in [name for name in sys.modules if name.startswith("schedgen_ops.notify")]:
        del sys.modules[name]
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    assert not [name for name in sys.modules if name.startswith("schedgen_ops.notify")]


def test_nobody_to_tell_is_no_test(inv: Inv, capsys: Capture) -> None:
    assert inv("notify.test") == 2
    assert "nobody is told of a run" in capsys.readouterr().err


def test_a_receiver_has_one_source_of_its_url_and_a_name_of_its_own(
    inv: Inv, configure: Configure, capsys: Capture
) -> None:
    configure({"name": "a"}, {"name": "b", "variable": "X", "command": ["y"]})
    assert inv("config.check", "--env", "staging") == 2
    shown = "".join(capsys.readouterr())
    assert shown.count("must have one of variable and command") == 2
    configure({"name": "a", "variable": "X"}, {"name": "a", "variable": "Y"})
    assert inv("config.check", "--env", "staging") == 2
    assert "a second receiver is called 'a'" in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("hours", "code", "verdict"), [(1, 6, "overdue"), (87_600, 0, "in time")], ids=["old", "young"]
)
def test_a_backup_that_is_overdue_is_told(
    inv: Inv,
    configure: Configure,
    service: Service,
    tmp_path: Path,
    capsys: Capture,
    hours: int,
    code: int,
    verdict: str,
) -> None:
    configure()
    file = tmp_path / "config/staging.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | {"backup": {"overdue_hours": hours}}))
    assert inv("backup.overdue", on=[ready()]) == code
    assert verdict in capsys.readouterr().out
    assert service.titles == (["Backup overdue on staging"] if code else [])
    assert not code or f"app1: the newest good backup, {MADE.id}, was made" in service.told[0]["message"]


def test_no_backup_and_no_answer_are_no_backup_in_time(
    inv: Inv, configure: Configure, service: Service, capsys: Capture
) -> None:
    configure()
    assert inv("backup.overdue", on=[ready(list_backups="")]) == 6
    assert "there is no good backup with all data" in service.told[0]["message"]
    assert inv("backup.overdue", on=[ready(list_backups=ConnectionLost("gone"))]) == 8
    assert "app1: could not be asked: gone" in service.told[1]["message"]
    service.status = 500
    assert inv("backup.overdue", "--log-level", "error", on=[ready(list_backups="")]) == 6
    assert "[ERROR] team was not told" in "".join(capsys.readouterr())


def test_where_nobody_is_told_a_backup_is_looked_at_all_the_same(inv: Inv) -> None:
    assert inv("backup.overdue", on=[ready(list_backups="")]) == 6
