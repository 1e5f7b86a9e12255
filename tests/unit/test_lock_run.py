"""The lock taken on every host, kept, lost and given back."""

from __future__ import annotations

import json
import time

import pytest
from fakes import FakeClock, FakeHold, FakeHost

from schedgen_ops.errors import ConnectionLost, LockHeld
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run
from schedgen_ops.lock.commands import Owner
from schedgen_ops.release.paths import Paths

ANN = Owner("ann", "lap'top $x", "2025-01-15T12:00:00Z", "deploy", "v1.2.3", "t0")
PATHS = Paths("/srv/schedgen")

HELD = f"held {json.dumps({'user': 'bob', 'machine': 'desk', 'command': 'deploy', 'release': 'v1.2.2'})}"


def hosts(*firsts: str) -> list[FakeHost]:
    return [FakeHost(f"app{n}", {"schedgen-lock": first}) for n, first in enumerate(firsts, start=1)]


def test_it_is_held_on_every_host_and_given_back_on_every_host() -> None:
    both = hosts("acquired r1", "acquired")
    with run.held(Fleet(both), PATHS, ANN, 60) as lock:
        assert lock.current == {"app1": "r1", "app2": ""}
        assert not any(host.holds[0].closed for host in both)
        lock.check()
    assert all(host.holds[0].closed for host in both)


def test_it_is_given_back_when_the_block_fails() -> None:
    (host,) = hosts("acquired")
    with pytest.raises(KeyboardInterrupt), run.held(Fleet([host]), PATHS, ANN, 60):
        raise KeyboardInterrupt
    assert host.holds[0].closed


def test_a_lock_held_anywhere_is_refused_and_given_back_everywhere() -> None:
    both = hosts("acquired", HELD)
    with pytest.raises(LockHeld) as caught, run.held(Fleet(both), PATHS, ANN, 60):
        pytest.fail("the block ran")
    assert "bob@desk, deploy v1.2.2" in caught.value.message
    assert caught.value.host == "app2"
    assert "inv deploy.unlock" in caught.value.hint
    assert all(host.holds[0].closed for host in both)


def test_a_lock_of_somebody_unknown_is_refused_too() -> None:
    with pytest.raises(LockHeld, match="not known"), run.held(Fleet(hosts("held ")), PATHS, ANN, 60):
        pytest.fail("the block ran")


def test_a_holder_gives_signs_of_life_and_a_lost_lock_is_noticed() -> None:
    (host,) = hosts("acquired")

    class Breaking(FakeHold):
        def send(self, line: str) -> None:
            if len(self.sent) == 2:
                raise ConnectionLost("the connection died")
            super().send(line)

    held = Breaking("acquired")
    host.hold = lambda *_, **__: held  # type: ignore[method-assign]
    # A lease of hundredths of a second, so that the third sign of life is due at once.
    with run.held(Fleet([host]), PATHS, ANN, 0.03) as lock:  # type: ignore[arg-type]
        end = time.monotonic() + 5
        while lock.lost is None and time.monotonic() < end:
            time.sleep(0.005)
        with pytest.raises(ConnectionLost, match="the lock was lost") as caught:
            lock.check()
    assert caught.value.host == "app1"
    assert held.sent == ["", ""]


def test_unlocking_tells_whose_it_was() -> None:
    host = FakeHost(answers={"schedgen-lock-who": HELD, "schedgen-unlock": ""})
    owner = run.unlock(host, PATHS)
    assert owner is not None
    assert owner.person == "bob@desk"


def test_unlocking_what_is_free_ends_nothing() -> None:
    host = FakeHost(answers={"schedgen-lock-who": "free\n"})
    assert run.unlock(host, PATHS) is None


def test_this_run_knows_itself() -> None:
    me, again = run.myself(FakeClock(), "deploy", "v1"), run.myself(FakeClock(), "deploy", "v1")
    assert (me.command, me.release, me.since) == ("deploy", "v1", "2025-01-15T12:00:00Z")
    assert me.user
    assert me.machine
    assert me.token != again.token
