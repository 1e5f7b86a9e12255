"""A run as a task sees it: options, settings, hosts, log, signals."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from fakes import FakeClock, FakeHost

from schedgen_ops import task_run
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.task_run import Operation, Options, opened
from schedgen_ops.ui.session import Ui

HOSTS = "".join(f"  - {{name: {name}, address: {name}.example}}\n" for name in "ab")
CONFIG = f"project: p\ndirectory: /srv/p\nhosts:\n{HOSTS}"


@pytest.fixture(autouse=True)
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/staging.yaml").write_text(CONFIG)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SCHEDGEN_STATE", str(tmp_path / "state"))
    for name in ("SCHEDGEN_ENV", "GIT_BRANCH", "SCHEDGEN_CONFIG", "MONITORING_DURATION"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def made(**options: object) -> Iterator[Operation]:
    with opened(Options(env="staging", **options)) as op:  # type: ignore[arg-type]
        yield op


@pytest.fixture
def op() -> Iterator[Operation]:
    yield from made()


def test_settings_are_those_of_the_environment(op: Operation) -> None:
    assert op.settings.environment == "staging"
    assert op.settings is op.settings


def test_the_environment_can_come_from_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCHEDGEN_ENV", "staging")
    with opened(Options()) as op:
        assert op.settings.environment == "staging"


def test_every_host_is_chosen_unless_some_are_named(op: Operation) -> None:
    assert op.fleet.names == ("a", "b")


@pytest.mark.parametrize(
    ("wanted", "names"), [("b", ("b",)), ("b,a", ("a", "b")), (" a , b ", ("a", "b")), ("a,a", ("a",))]
)
def test_hosts_are_chosen_by_name_in_the_configurations_order(wanted: str, names: tuple[str, ...]) -> None:
    with opened(Options(env="staging", hosts=wanted)) as op:
        assert op.fleet.names == names


@pytest.mark.parametrize("wanted", ["c", "a,c", ",", " ", "", "a,b,"])
def test_a_host_that_is_not_there_is_refused_with_those_that_are(
    wanted: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(ConfigError) as caught, opened(Options(env="staging", hosts=wanted)) as op:
        op.fleet  # noqa: B018
    assert caught.value.exit_code == 2
    assert "There are: a, b." in caught.value.hint
    assert "There are: a, b." in capsys.readouterr().err


def test_what_of_ssh_config_is_not_understood_is_told_once(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    (place / "ssh_config").write_text("Match sunshine yes\n  User insider\n")
    (place / "config/staging.yaml").write_text(f"{CONFIG}ssh: {{config_file: {place}/ssh_config}}\n")
    with opened(Options(env="staging")) as op:
        assert op.fleet.names == ("a", "b")
    shown = "".join(capsys.readouterr())
    assert shown.count(f"{place}/ssh_config:1 is ignored: Match sunshine is not understood here") == 1


def test_a_run_is_named_by_its_start_in_utc() -> None:
    ui: Ui = None  # type: ignore[assignment]
    assert Operation(Options(), ui, FakeClock()).run == "20250115_120000"


def test_connections_are_closed_at_the_end() -> None:
    hosts = [FakeHost("a"), FakeHost("b")]
    with opened(Options(env="staging")) as op:
        op._stack.enter_context(Fleet(hosts))
    assert all(host.closed for host in hosts)


def test_a_run_leaves_a_log_that_is_found_again(op: Operation, place: Path) -> None:
    op.__dict__["fleet"] = Fleet([FakeHost("a")])
    assert op.log_of("backup", op.run) == ""
    op.begin("backup", "Backup")
    op.end("Backup complete")
    path = op.log_of("backup", f"{op.run}-abc1234")
    assert Path(path).parent == place / "state/schedgen/staging"
    assert Path(path).stat().st_mode & 0o077 == 0


def test_an_error_is_shown_once_and_comes_through(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(OpsError, match="disk is full"), opened(Options(env="staging")):
        raise OpsError("the disk is full", hint="Free some.")
    shown = capsys.readouterr().err
    assert shown.count("the disk is full") == 1
    assert "Free some." in shown
    assert "Traceback" not in shown


def test_a_log_level_that_is_none_is_refused_and_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ConfigError), opened(Options(env="staging", log_level="loud")):
        pytest.fail("it ran")
    assert "loud" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_that_would_kill_the_run_ends_it_like_ctrl_c(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    signal.signal(number, signal.SIG_DFL)  # under nohup it would be ignored, and stay so
    try:
        _ended_by(number)
        assert signal.getsignal(number) is signal.SIG_DFL
    finally:
        signal.signal(number, before)


def _ended_by(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), opened(Options(env="staging")):
        signal.raise_signal(number)


@pytest.mark.parametrize(
    ("name", "folder"),
    [("staging", "staging"), ("../../etc", "unknown"), ("", "unknown"), ("a b", "unknown")],
)
def test_logs_stay_in_their_folder(name: str, folder: str, place: Path) -> None:
    assert task_run.log_folder(name) == place / "state/schedgen" / folder


def test_logs_go_where_xdg_says_else_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SCHEDGEN_STATE")
    monkeypatch.setenv("XDG_STATE_HOME", "/var/state")
    assert task_run.log_folder("lab") == Path("/var/state/schedgen/lab")
    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", "/home/ann")
    assert task_run.log_folder("lab") == Path("/home/ann/.local/state/schedgen/lab")
