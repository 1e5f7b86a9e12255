"""Every task that only looks, with a host that does not answer: it hides nothing that the others say."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from deploying import RELEASE, deployed
from fakes import FakeHost, result
from kit import written
from simulated import SimHost
from test_tasks import MADE, Capture, Inv

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.cli.looking import conclude
from schedgen_ops.errors import Refused, Unreachable, VerificationFailed
from schedgen_ops.fleet import Fleet
from schedgen_ops.host import connect_all
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.remote import Remote, Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command, sh

inv = test_tasks.inv

LOOKING = (
    ("status", f"app1  {RELEASE}"),
    ("verify", "app1"),
    ("verify.quick", "app1"),
    ("verify.services", "app1"),
    ("verify.endpoints", "app1"),
    ("verify.logs", "on app1"),
    ("deploy.status", f"Serving  {RELEASE}"),
    ("deploy.history", RELEASE),
    (f"deploy.show --release {RELEASE}", RELEASE),
    ("rollback.list", "adopted"),
    ("backup.list", MADE.id),
    ("backup.last", MADE.id),
    (f"backup.show --id {MADE.id}", MADE.id),
    ("backup.verify", MADE.id),
    ("deploy.unlock --yes", "was free"),
)
_MORE = {
    "list backups": f"{MADE.id} {manifest.to_json(MADE)}\n",
    "verify the backup": "",
    "docker logs": "since\t1\t60\n",
    **dict.fromkeys(("measure responses", "psql", "watch"), ""),
}


class Good(SimHost):
    """A host on which a release was deployed and a backup was made."""

    def __init__(self, name: str = "app1") -> None:
        super().__init__(name, deployed())

    def _reply(self, command: Command, deadline: float) -> Result:
        for title, answer in _MORE.items():
            if command.title == title:
                return Result(answer, "", 0, 0.01)
        return super()._reply(command, deadline)


@pytest.fixture
def environment(inv: Inv, tmp_path: Path) -> Iterator[Settings]:
    """app1 and app2; whoever connects to app2 is turned away."""
    with socket.socket() as taken:
        # Bound and not listening: nobody else can begin to.
        taken.bind(("127.0.0.1", 0))
        settings = configured(tmp_path, taken.getsockname()[1])
        yield settings


def configured(tmp_path: Path, port: int) -> Settings:
    rows = [{"name": "app1", "address": "a"}, {"name": "app2", "address": "127.0.0.1", "port": port}]
    ssh = {"config_file": None, "connect_timeout": 1, "agent": False, "known_hosts": str(tmp_path / "known")}
    none: dict[str, Any] = {"verify": {"flow": None, "queue": None, "prometheus": None}, "migrations": None}
    values = written(hosts=rows, ssh=ssh, **none)
    (tmp_path / "config/staging.yaml").write_text(values)
    return Settings.model_validate(json.loads(values))


def second(settings: Settings) -> Any:
    return connect_all(settings, [settings.host("app2")], prompt=None)[0]


@pytest.mark.parametrize(("words", "said"), LOOKING, ids=[words for words, _ in LOOKING])
def test_a_host_that_turns_us_away_hides_nothing_and_is_named(
    inv: Inv, capsys: Capture, environment: Settings, words: str, said: str
) -> None:
    code = inv(*words.split(), on=[Good(), second(environment)])
    out, err = capsys.readouterr()
    assert said in out
    # What verify finds beside it weighs more: on this host nothing can be measured.
    assert code == (6 if words == "verify" else 8), out + err
    assert "[ERROR] app2 cannot be reached: 127.0.0.1 refuses" in out
    assert "app2" in err.partition("ERROR: ")[2]


def test_the_document_has_the_good_hosts_and_the_missing_one(
    inv: Inv, capsys: Capture, environment: Settings
) -> None:
    assert inv("deploy.history", "--json", on=[Good(), second(environment)]) == 8
    document = json.loads(capsys.readouterr().out)
    assert {row["host"] for row in document["result"]} == {"app1"}
    assert [(host["host"], host["code"]) for host in document["missing"]] == [("app2", 8)]
    assert (document["ok"], document["exit_code"], document["error"]["host"]) == (False, 8, "app2")


def test_a_host_that_says_nothing_hides_nothing(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = configured(tmp_path, silent.getsockname()[1])
        assert inv("deploy.status", on=[Good(), second(settings)]) == 8
    out, err = capsys.readouterr()
    assert RELEASE in out
    assert "[ERROR] app2" in out
    assert "ERROR: app2" in err


def test_a_single_host_that_is_missing_is_told_once(inv: Inv, capsys: Capture, environment: Settings) -> None:
    assert inv("deploy.status", "--hosts", "app2", on=[second(environment)]) == 8
    out, err = capsys.readouterr()
    assert (out.count("cannot be reached"), err.count("cannot be reached")) == (0, 1)


def test_what_nobody_has_is_said_of_those_alone_that_answered(
    inv: Inv, capsys: Capture, environment: Settings
) -> None:
    assert inv("deploy.history", on=[SimHost(), second(environment)]) == 8
    assert "Nothing was deployed yet on app1." in capsys.readouterr().out


def test_a_release_that_the_others_do_not_have_may_be_on_the_missing_host(
    inv: Inv, capsys: Capture, environment: Settings
) -> None:
    assert inv("deploy.show", "--release", "nope", on=[Good(), second(environment)]) == 8
    assert "there is no release 'nope'" in capsys.readouterr().err
    assert inv("backup.show", "--id", "nope", on=[Good(), second(environment)]) == 8
    assert "there is no backup 'nope'" in capsys.readouterr().err


def test_a_watch_of_the_others_goes_on_and_has_its_report(
    inv: Inv, capsys: Capture, environment: Settings, tmp_path: Path
) -> None:
    watched = test_tasks.watched(200, 3)
    assert inv("verify.extended", "--duration", "30", on=[watched, second(environment)]) == 8
    out, err = capsys.readouterr()
    assert "Progress: 20s / 30s | Checks: 2" in out
    assert "Verification Complete" not in out
    assert "app2 cannot be reached" in err
    assert list(tmp_path.glob("state/schedgen/staging/verify-*.html"))


class Slow(Good):
    """Answers when the others were shown."""

    shown = threading.Event()

    def _reply(self, command: Command, deadline: float) -> Result:
        assert self.shown.wait(60)
        return super()._reply(command, deadline)


def test_what_a_host_says_is_shown_while_another_still_thinks(
    inv: Inv, capsys: Capture, environment: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    from schedgen_ops.ui.session import Ui

    told = Ui.show

    def show(ui: Ui, table: Any) -> None:
        told(ui, table)
        Slow.shown.set()

    monkeypatch.setattr(Ui, "show", show)
    assert inv("deploy.history", on=[Good(), Slow("app2")]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["Host", "app1", "app1", "app2", "app2"]
    # The columns of those that come later are where they were.
    assert len({line.index("v1.2.3") for line in lines if "v1.2.3" in line}) == 1


def test_hosts_that_answer_together_stand_in_the_order_of_the_configuration() -> None:
    gate = threading.Barrier(3)

    def answer(host: Remote) -> str:
        gate.wait(60)
        return host.run(sh("uptime"), deadline=1).stdout

    hosts = [FakeHost(name, {"uptime": name}) for name in ("c", "a", "b")]
    (came,) = Fleet(hosts).as_they_come(answer, quiet=60)
    assert list(came.ok) == ["c", "a", "b"]


def test_an_interrupt_ends_what_runs_on_the_others() -> None:
    free = threading.Event()

    def answer(host: Remote) -> str:
        if host.name == "a":
            return "well"
        assert free.wait(60)
        raise Refused("ended")

    class Ended(FakeHost):
        def interrupt(self) -> None:
            super().interrupt()
            free.set()

    first, other = Ended("a"), Ended("b")
    came = Fleet([first, other]).as_they_come(answer, quiet=0)
    assert list(next(iter(came)).ok) == ["a"]
    with pytest.raises(KeyboardInterrupt):
        came.throw(KeyboardInterrupt)
    assert (first.interrupted, other.interrupted) == (False, True)


def test_the_worst_ends_it_and_the_rest_is_told_below() -> None:
    seen = Outcomes({"a": 1}, {"b": Unreachable("b cannot be reached")})
    with pytest.raises(VerificationFailed) as caught:
        conclude(seen, VerificationFailed("1 of 9 checks did not pass", detail="a: web failed"))
    assert caught.value.message == "1 of 9 checks did not pass; 1 of 2 hosts did not answer"
    assert caught.value.detail == "a: web failed\nb: b cannot be reached"
    with pytest.raises(Unreachable):
        conclude(seen, Refused("there is no backup 'x'"))
    conclude(Outcomes({"a": 1}))


@pytest.mark.parametrize(
    ("task", "title", "code"), [("verify.logs", "docker logs", 6), ("deploy.history", "read", 3)]
)
def test_what_cannot_be_looked_at_needs_no_human(
    inv: Inv, capsys: Capture, task: str, title: str, code: int
) -> None:
    failing = FakeHost(answers={lambda command: title in command.title: result(stderr="denied", code=1)})
    assert inv(task, on=[failing]) == code
    assert "denied" in capsys.readouterr().err
