"""Hosts that a run is not on: left out by name, or since they do not answer; and brought up to date later."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import simulated
import test_tasks
import yaml
from simulated import Fault, SimHost
from simulated_world import COMMITS, NEW, OLD
from test_tasks import CONFIG, Capture, Inv

from schedgen_ops import host_choice
from schedgen_ops.errors import ConfigError, ConnectionLost, HostKeyChanged, Unreachable

inv = test_tasks.inv
Configure = Callable[..., None]
DOWN = Unreachable("app2 does not answer at 10.0.0.2: timed out", host="app2")


class Down(SimHost):
    """A host that nobody reaches."""

    def __init__(self, name: str, error: Exception = DOWN) -> None:
        super().__init__(name)
        self.error = error

    def _reply(self, *_: Any, **__: Any) -> Any:
        raise self.error


@pytest.fixture
def configure(inv: Inv, tmp_path: Path) -> Configure:
    """Two hosts, of which app1 has the data."""

    def write(**values: Any) -> None:
        data = yaml.safe_load(CONFIG)
        second = {"name": "app2", "address": "10.0.0.2", "migrates": False, "backs_up": False}
        first = {"name": "app1", "address": "10.0.0.1", "migrates": True, "backs_up": True}
        data |= {"hosts": [first, second], **values}
        (tmp_path / "config/staging.yaml").write_text(yaml.safe_dump(data))

    return write


@pytest.mark.parametrize(
    ("hosts", "skip", "left"),
    [(None, None, "abc"), (None, "b", "ac"), ("a,b", "b", "a"), ("b, c", " c ", "b"), (None, "a,b", "c")],
)
def test_hosts_are_left_out_by_name(hosts: str | None, skip: str | None, left: str) -> None:
    assert host_choice.chosen(hosts, skip, ("a", "b", "c")) == tuple(left)


@pytest.mark.parametrize("skip", ["", "d", "a,,b", "a,b,c"])
def test_a_name_that_is_none_and_no_host_at_all_are_refused(skip: str) -> None:
    with pytest.raises(ConfigError):
        host_choice.chosen(None, skip, ("a", "b", "c"))


def test_only_a_host_that_is_down_and_is_not_needed_is_left_out() -> None:
    lost = ConnectionLost("the connection died", host="b")
    assert host_choice.down({"b": lost}, "ab", "a") == {"b": "the connection died"}
    for errors, needed in (
        ({"b": lost}, "b"),
        ({"a": lost, "b": lost}, ""),
        ({"b": HostKeyChanged("another key", host="b")}, ""),
        ({"b": ValueError("a defect")}, ""),
    ):
        with pytest.raises((Unreachable, ValueError)):
            host_choice.down(errors, "ab", needed)


def test_a_host_that_is_down_stops_a_deploy_unless_the_config_says_otherwise(
    inv: Inv, configure: Configure, capsys: Capture
) -> None:
    configure()
    first = SimHost("app1")
    assert inv("deploy", "--branch", "v1.2.3", on=[first, Down("app2")]) == 8
    assert first.world.changed == []
    configure(hosts_down="skip")
    assert inv("deploy", "--branch", "v1.2.3", on=[first, Down("app2")]) == 0
    said = capsys.readouterr()
    assert "app2 is left out: app2 does not answer at 10.0.0.2: timed out" in said.out + said.err
    assert "Left out: app2" in said.out
    assert first.world.head == NEW
    # One that is needed, and one whose key changed, are none to go without.
    assert inv("deploy", "--branch", "v1.2.4", on=[Down("app1"), SimHost("app2")]) == 8
    changed = HostKeyChanged("app2 shows another key", host="app2")
    assert inv("deploy", "--branch", "v1.2.4", on=[first, Down("app2", changed)]) == 8
    assert first.world.head == NEW


def test_who_is_left_out_is_told_at_the_end_of_a_run_that_failed_too(
    inv: Inv, configure: Configure, capsys: Capture
) -> None:
    configure(hosts_down="skip")
    first = SimHost("app1", fault=Fault(0, 1, named="docker compose build"))
    assert inv("deploy", "--branch", "v1.2.3", on=[first, Down("app2")]) == 4
    said = capsys.readouterr()
    failed = said.out.partition("=== Step 2")[2]
    assert "left out: app2" in failed + said.err


def test_skip_leaves_a_host_as_it_is(inv: Inv, configure: Configure, capsys: Capture) -> None:
    configure()
    hosts = [SimHost("app1"), SimHost("app2")]
    assert inv("deploy", "--branch", "v1.2.3", "--skip", "app2", on=hosts) == 0
    assert [host.world.head for host in hosts] == [NEW, OLD]
    assert "app2 is left out: --skip says so" in capsys.readouterr().out
    assert inv("deploy", "--branch", "v1.2.3", "--skip", "app7", on=hosts) == 2


def test_a_host_that_was_left_out_is_brought_to_what_serves_on_the_others(
    inv: Inv, configure: Configure, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It is asked for the commit itself.
    monkeypatch.setitem(simulated.TITLES, f"look at {NEW[:12]}", simulated.TITLES["look at v"])
    monkeypatch.setitem(COMMITS, NEW, NEW)
    configure(hosts_down="skip")
    first, second = SimHost("app1"), SimHost("app2")
    assert inv("deploy.catch-up", "--yes", on=[first, second]) == 3
    assert "no release of ours serves" in capsys.readouterr().err
    assert inv("deploy", "--branch", "v1.2.3", on=[first, Down("app2")]) == 0
    before = dict(first.world.records())
    assert inv("deploy.catch-up", "--yes", on=[first, second]) == 0
    assert [host.world.head for host in (first, second)] == [NEW, NEW]
    assert dict(first.world.records()) == before
    capsys.readouterr()
    assert inv("deploy.catch-up", "--yes", on=[first, second]) == 0
    assert f"Every host serves {NEW[:12]}" in capsys.readouterr().out


def test_a_rollback_leaves_out_who_is_down(inv: Inv, configure: Configure, capsys: Capture) -> None:
    configure(hosts_down="skip")
    first, second = SimHost("app1"), SimHost("app2")
    assert inv("deploy", "--branch", "v1.2.3", on=[first, second]) == 0
    assert inv("rollback", "--yes", on=[first, Down("app2")]) == 0
    assert [host.world.head for host in (first, second)] == [OLD, NEW]
    assert "app2 is left out" in capsys.readouterr().out
