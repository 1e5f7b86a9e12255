"""One action on many hosts: order, batches, errors put together, Ctrl-C."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time

import pytest
from fakes import FakeHost

from schedgen_ops.errors import CommandFailed, LockHeld, OpsError, Refused, Unreachable
from schedgen_ops.fleet import Fleet, FleetError, Outcomes
from schedgen_ops.remote import Remote
from schedgen_ops.shell import sh


def fleet(*names: str) -> Fleet:
    return Fleet([FakeHost(name, {"uptime": f"{name} is up"}) for name in names])


def failing(**errors: Exception) -> Outcomes[str]:
    def action(host: Remote) -> str:
        if host.name in errors:
            raise errors[host.name]
        return "well"

    return fleet("app1", "app2", "app3").each(action)


def test_results_come_in_the_order_of_the_configuration() -> None:
    def slowest_first(host: Remote) -> str:
        time.sleep({"app1": 0.1, "app2": 0.05, "app3": 0}[host.name])
        return host.run(sh("uptime"), deadline=1).stdout

    found = fleet("app1", "app2", "app3").each(slowest_first)
    assert list(found.ok) == ["app1", "app2", "app3"]
    assert found.values() == ("app1 is up", "app2 is up", "app3 is up")


def test_all_hosts_are_at_work_at_once() -> None:
    barrier = threading.Barrier(20, timeout=5)
    fleet(*(f"app{number}" for number in range(20))).each(lambda host: barrier.wait()).values()


def test_the_error_of_one_host_comes_through_as_it_is() -> None:
    found = failing(app2=Refused("dirty work tree"))
    assert list(found.ok) == ["app1", "app3"]
    with pytest.raises(Refused, match="dirty") as caught:
        found.values()
    assert caught.value.host == "app2"


def test_several_errors_become_one_that_names_every_host() -> None:
    first = Refused("dirty work tree", hint="commit it")
    second = CommandFailed("`git fetch` failed", code=1, detail="no route", hint="look at the network")
    with pytest.raises(FleetError) as caught:
        failing(app1=first, app3=second).values()
    assert caught.value.message == "2 of 3 hosts failed: app1, app3"
    assert caught.value.detail == "app1: dirty work tree\napp3: `git fetch` failed\n  no route"
    assert (caught.value.exit_code, caught.value.hint) == (5, "look at the network")


def test_the_exit_code_is_that_of_the_worst_failure() -> None:
    with pytest.raises(OpsError) as caught:
        failing(app1=LockHeld("held"), app2=Unreachable("gone"), app3=Refused("no")).values()
    assert caught.value.exit_code == 8


def test_a_defect_comes_through_as_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        failing(app1=Refused("no"), app2=ZeroDivisionError()).values()


def test_a_batch_waits_for_the_one_before_it() -> None:
    at_work: list[str] = []
    most: list[int] = []

    def action(host: Remote) -> None:
        at_work.append(host.name)
        most.append(len(at_work))
        time.sleep(0.02)
        at_work.remove(host.name)

    fleet("app1", "app2", "app3", "app4", "app5").each(action, batch=2).values()
    assert max(most) == 2


def test_after_a_failed_batch_the_other_hosts_are_left_alone() -> None:
    touched: list[str] = []

    def action(host: Remote) -> None:
        touched.append(host.name)
        if host.name == "app2":
            raise Refused("no")

    found = fleet("app1", "app2", "app3", "app4").each(action, batch=1)
    assert touched == ["app1", "app2"]
    assert found.skipped == ("app3", "app4")
    assert list(found.ok) == ["app1"]
    with pytest.raises(Refused):
        found.values()


def test_a_part_of_the_fleet_keeps_the_order() -> None:
    whole = fleet("app1", "app2", "app3")
    assert whole.only(["app3", "app1"]).names == ("app1", "app3")
    assert whole["app2"].name == "app2"
    with pytest.raises(KeyError):
        whole["app9"]


def test_no_hosts_is_no_error() -> None:
    assert Fleet([]).each(lambda host: 1).values() == ()


def test_closing_does_not_wait_for_a_host_that_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("schedgen_ops.fleet._CLOSE_SECONDS", 0.3)

    class Hanging(FakeHost):
        def close(self) -> None:
            time.sleep(30)

    well = FakeHost("app2")
    begun = time.monotonic()
    Fleet([Hanging("app1"), well]).close()
    assert time.monotonic() - begun < 5
    assert well.closed


def test_ctrl_c_comes_through_at_once_and_interrupts_every_host() -> None:
    released = threading.Event()

    class Busy(FakeHost):
        def interrupt(self) -> None:
            super().interrupt()
            released.set()

    hosts = [Busy("app1"), Busy("app2")]
    threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGINT)).start()
    begun = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        Fleet(hosts).each(lambda host: released.wait(30))
    assert time.monotonic() - begun < 3
    assert [host.interrupted for host in hosts] == [True, True]


def test_a_thread_that_hangs_does_not_keep_the_process_alive() -> None:
    program = textwrap.dedent(
        """
        import os, signal, sys, threading, time
        from fakes import FakeHost
        from schedgen_ops import fleet
        from schedgen_ops.fleet import Fleet
        fleet._INTERRUPT_SECONDS = 0.2
        threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGINT)).start()
        try:
            Fleet([FakeHost("app1"), FakeHost("app2")]).each(lambda host: time.sleep(60))
        except KeyboardInterrupt:
            sys.exit(130)
        """
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    begun = time.monotonic()
    done = subprocess.run([sys.executable, "-c", program], env=environment, timeout=30, check=False)
    assert done.returncode == 130
    assert time.monotonic() - begun < 10
