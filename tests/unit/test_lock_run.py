"""The lock taken on every host, kept, lost, asked for again and given back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from fakes import FakeClock, FakeHold, FakeHost

from schedgen_ops.errors import ConnectionLost, LockHeld, OpsError, Overruled, Unreachable
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run
from schedgen_ops.lock.lease import Lease
from schedgen_ops.lock.patience import Patience
from schedgen_ops.lock.remote_commands import Owner, parse
from schedgen_ops.release.paths import Paths
from schedgen_ops.shell import Command, sh

ANN = Owner("ann", "lap'top $x", "2025-01-15T12:00:00Z", "deploy", "v1.2.3", "t0")
BOB = {"user": "bob", "machine": "desk", "command": "deploy", "release": "v1.2.4", "since": "09:30"}
PATHS = Paths("/srv/schedgen")

HELD = f"held {json.dumps(BOB)}"
FREE = "acquired r1 at=1736942400 before=10.5 mark=20.5"


def hosts(*firsts: str) -> list[FakeHost]:
    return [FakeHost(f"app{n}", {"schedgen-lock": first}) for n, first in enumerate(firsts, start=1)]


def until(done: Callable[[], bool], what: str) -> None:
    end = time.monotonic() + 10
    while not done():
        assert time.monotonic() < end, what
        time.sleep(0.002)


def test_it_is_held_on_every_host_and_given_back_on_every_host() -> None:
    both = hosts("acquired r1", "acquired")
    with run.held(Fleet(both), PATHS, ANN, 60) as lock:
        assert lock.current == {"app1": "r1", "app2": ""}
        assert not any(host.holds[0].closed for host in both)
        lock.check()
        assert lock.lost is None
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
    assert "bob@desk, deploy v1.2.4" in caught.value.message
    assert caught.value.host == "app2"
    assert "inv deploy.unlock" in caught.value.hint
    assert all(host.holds[0].closed for host in both)


def test_a_lock_of_somebody_unknown_is_refused_too() -> None:
    with pytest.raises(LockHeld, match="not known"), run.held(Fleet(hosts("held ")), PATHS, ANN, 60):
        pytest.fail("the block ran")


@dataclass
class Keeper:
    """A lease with its host and a clock that a test moves."""

    host: FakeHost
    lease: Lease
    time: list[float]

    @property
    def hold(self) -> FakeHold:
        return self.host.holds[-1]


def keeper(first: str = FREE, seconds: float = 60) -> Keeper:
    (host,) = hosts(first)
    time = [1000.0]
    take = sh("true").named("schedgen-lock")
    lease = Lease(host, take, take, seconds, lambda: time[0])
    lease.take()
    return Keeper(host, lease, time)


def test_a_sign_of_life_counts_once_the_host_has_said_it_back_and_from_when_it_was_sent() -> None:
    kept = keeper()
    kept.time[0] += 50
    kept.lease._sign()
    kept.time[0] += 55
    kept.lease.check()  # 55 s after the sign that was answered
    kept.time[0] += 6
    with pytest.raises(ConnectionLost, match="app1 has not answered for 61s"):
        kept.lease.check()


def test_a_sign_that_only_went_into_a_buffer_proves_nothing() -> None:
    kept = keeper()
    kept.hold._on_line = None  # sent, and never answered
    for _ in range(4):
        kept.time[0] += 19
        kept.lease._sign()
    assert len(kept.hold.sent) == 4
    with pytest.raises(ConnectionLost, match="has not answered for 76s"):
        kept.lease.check()


def test_a_lease_that_was_lost_once_stays_lost_however_the_host_answers_later() -> None:
    kept = keeper()
    kept.time[0] += 3600  # the laptop slept
    with pytest.raises(ConnectionLost):
        kept.lease.check()
    kept.lease._sign()
    with pytest.raises(ConnectionLost):
        kept.lease.check()


def test_a_keeper_that_ended_is_noticed_at_once() -> None:
    kept = keeper()
    kept.hold.lost = True
    with pytest.raises(ConnectionLost, match="its keeper ended"):
        kept.lease.check()


def test_each_command_to_a_host_asks_first_and_none_is_sent_without_the_lock() -> None:
    both = hosts("acquired", "acquired")
    for host in both:
        host.answers["true"] = ""
    fleet = Fleet(both)
    with run.held(fleet, PATHS, ANN, 60):
        fleet["app1"].run(sh("true"), deadline=5)
        both[0].holds[0].lost = True
        sent = list(both[0].texts)
        for action in (
            lambda: fleet["app1"].run(sh("true"), deadline=5),
            lambda: fleet["app1"].batch([sh("true")], deadline=5),
            lambda: fleet["app1"].together([sh("true")], deadline=5),
            lambda: fleet["app1"].stream(sh("true"), print, deadline=5),
            lambda: fleet["app1"].put(b"x", "/tmp/x"),
            lambda: fleet["app1"].hold(sh("true"), deadline=5),
        ):
            with pytest.raises(ConnectionLost, match="the lock was lost"):
                action()
        assert (both[0].texts, both[0].files) == (sent, {})
        fleet["app2"].run(sh("true"), deadline=5)
    fleet["app1"].run(sh("true"), deadline=5)  # without a lock there is none to lose


def test_one_hosts_failed_sign_ends_the_signs_to_no_other_host() -> None:
    both = hosts("acquired", "acquired")

    class Gone(FakeHold):
        def send(self, line: str) -> None:
            raise ConnectionLost("the connection died")

    class Hanging(FakeHold):
        def send(self, line: str) -> None:
            threading.Event().wait(20)

    for kind in (Gone, Hanging):
        both[0].hold = lambda *_, kind=kind, **__: kind("acquired")  # type: ignore[method-assign]
        # A lease of hundredths of a second, so that many signs are due at once.
        with run.held(Fleet(both), PATHS, ANN, 0.06) as lock:  # type: ignore[arg-type]
            hold = both[1].holds[-1]
            until(lambda: len(hold.sent) >= 6, "the second host gets no sign of life")  # noqa: B023
            with pytest.raises(ConnectionLost) as caught:
                lock.check("app1")
            assert caught.value.host == "app1"
            assert lock.lost is not None


def again(lock: run.HeldLock, judge: run.Judge | None = None) -> OpsError | None:
    try:
        lock.regain(judge)
    except OpsError as error:
        return error
    return None


def test_a_lock_that_is_still_ours_is_asked_for_and_not_taken_anew() -> None:
    (host,) = hosts(FREE)
    with run.held(Fleet([host]), PATHS, ANN, 60) as lock:
        assert again(lock) is None
        assert len(host.holds) == 1
        assert host.holds[0].sent == ["1"]


@pytest.mark.parametrize("lose", ["marked", "ended"])
def test_a_lost_lock_that_is_free_is_taken_again_if_nobody_else_had_it(lose: str) -> None:
    (host,) = hosts(FREE)
    with run.held(Fleet([host]), PATHS, ANN, 60) as lock:
        if lose == "marked":
            lock.lost = ConnectionLost("the laptop slept")
        else:
            host.holds[0].lost = True
        host.answers["schedgen-lock"] = "acquired r1 at=1736942460 before=20.5 mark=30.5"
        with pytest.raises(ConnectionLost):
            lock.check()
        assert again(lock) is None
        lock.check()
        assert len(host.holds) == 2


def test_work_of_somebody_else_meanwhile_is_not_touched() -> None:
    for answer in ("acquired r1 before=25.5 mark=30.5", "acquired r2 before=20.5 mark=30.5", "acquired r1"):
        (host,) = hosts(FREE)
        with run.held(Fleet([host]), PATHS, ANN, 60) as lock:
            host.holds[0].lost = True
            host.answers["schedgen-lock"] = answer
            error = again(lock)
            assert isinstance(error, Overruled), answer
            assert "somebody else was at work meanwhile" in error.message
            with pytest.raises(ConnectionLost):
                lock.check()


def test_a_lock_that_somebody_else_holds_is_named_with_what_serves_and_closes_every_host() -> None:
    both = hosts(FREE, FREE)
    both[1].answers["cat -- /srv/schedgen/.schedgen/current"] = "r7\n"
    fleet = Fleet(both)
    with run.held(fleet, PATHS, ANN, 60) as lock:
        both[1].holds[0].lost = True
        both[1].answers["schedgen-lock"] = HELD
        error = again(lock)
        assert isinstance(error, Overruled)
        assert (error.exit_code, error.host) == (5, "app2")
        assert "bob@desk, deploy v1.2.4 since 09:30" in error.message
        assert "r7 serves" in error.message
        for host in fleet:
            with pytest.raises(ConnectionLost):
                host.run(sh("true"), deadline=5)


def test_a_host_out_of_reach_stays_closed_and_is_in_no_others_way() -> None:
    both = hosts(FREE, FREE)
    with run.held(Fleet(both), PATHS, ANN, 60) as lock:
        both[1].holds[0].lost = True
        both[1].answers["schedgen-lock"] = Unreachable("no route")
        assert again(lock) is None
        lock.check("app1")
        with pytest.raises(ConnectionLost, match="no route"):
            lock.check("app2")


def test_the_host_says_when_it_was_taken() -> None:
    answer = parse(FREE)
    assert (answer.current, answer.at, answer.before, answer.mark) == ("r1", 1736942400, "10.5", "20.5")
    noon = 1736942400
    near = f"acquired r1 at={noon + 3}"
    clock = FakeClock(datetime.fromtimestamp(noon - 86400, UTC))
    with run.held(Fleet(hosts(FREE, "acquired r1")), PATHS, ANN, 60) as lock:
        assert lock.ahead(clock) == {"app1": pytest.approx(86400, abs=30), "app2": 0.0}
    with run.held(Fleet(hosts(near)), PATHS, ANN, 60) as lock:
        assert lock.ahead(FakeClock(datetime.fromtimestamp(noon + 2, UTC))) == {"app1": 0.0}


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


def test_who_waits_gets_it_when_it_is_free_and_held_nothing_meanwhile() -> None:
    first, second = both = hosts("acquired", "held ")
    second.answers["schedgen-lock"] = [HELD, "acquired"]
    second.answers["schedgen-lock-wait"] = ""
    told: list[str] = []
    patience = Patience(600, FakeClock(), lambda event: told.append(str(event)))
    with run.held(Fleet(both), PATHS, ANN, 60, patience):
        # What was held at first was given back before anybody waited.
        assert [hold.closed for hold in first.holds] == [True, False]
    assert "bob@desk, deploy v1.2.4" in told[0]
    assert "at most 10 min" in told[0]


def test_who_waited_long_enough_is_told_who_has_it_and_how_long_that_was() -> None:
    (host,) = hosts(HELD)
    clock = FakeClock()

    def pass_by(command: Command) -> int:
        clock.advance(90)
        return 1

    host.answers["schedgen-lock-wait"] = pass_by
    patience = Patience(90, clock, lambda _: None)
    with (
        pytest.raises(LockHeld, match=r"bob@desk.*waited 1 min 30 s"),
        run.held(Fleet([host]), PATHS, ANN, 60, patience),
    ):
        pytest.fail("the block ran")
    assert host.holds[0].closed


def test_several_who_wait_share_one_time_and_none_waits_twice_as_long() -> None:
    (host,) = hosts(HELD)
    clock = FakeClock()

    def taken_by_another(command: Command) -> str:
        clock.advance(50)
        return ""

    host.answers["schedgen-lock-wait"] = taken_by_another
    patience = Patience(90, clock, lambda _: None)
    with pytest.raises(LockHeld), run.held(Fleet([host]), PATHS, ANN, 60, patience):
        pytest.fail("the block ran")
    assert [limit for limit in host.deadlines if limit < 1000] == [120, 70]
