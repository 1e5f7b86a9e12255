"""Laptops whose clocks are wrong: what is newest on a host is what came last on that host."""

from __future__ import annotations

import json
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from deploying import OWNER, one
from fakes import FakeClock
from going_back import ask
from simulated import Fault, SimHost
from simulated_world import OLD, World, fresh

from schedgen_ops.clock import elapsed
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.run import deploy
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import RolledBack
from schedgen_ops.events import silence
from schedgen_ops.fleet import Fleet
from schedgen_ops.release.record import from_json, served_in_order

NOON = datetime(2025, 1, 15, 12, tzinfo=UTC)


def deployed(world: World, branch: str, hours: float, wrong: timedelta, fault: Fault | None = None) -> World:
    """What a deploy leaves, so many hours after noon on the host, by a laptop whose clock is `wrong`."""
    now = NOON + timedelta(hours=hours)
    host = SimHost(world=replace(world, time=int(now.timestamp())), fault=fault)
    clock = FakeClock(now + wrong)
    run = f"{clock.now():%Y%m%d_%H%M%S}"
    with pytest.raises(RolledBack) if fault else nullcontext():
        deploy(Session(one, Fleet([host]), Ref(branch), run, clock, silence, OWNER))()
    return host.world


def order(world: World) -> list[str]:
    texts = [text for path, text in world.files.items() if path.endswith("/release.json")]
    return [release.branch for release in served_in_order(tuple(map(from_json, texts)))]


@pytest.mark.parametrize("wrong", [timedelta(days=1), timedelta(days=-1)], ids=["ahead", "behind"])
def test_a_laptop_whose_clock_is_a_day_off_makes_no_release_older_or_newer(wrong: timedelta) -> None:
    world = deployed(fresh(), "v1.2.3", 0, wrong)
    world = deployed(world, "v1.2.4", 1, timedelta())
    assert order(world)[:2] == ["v1.2.4", "v1.2.3"]
    ids = sorted(world.records())
    assert [name[:11] for name in ids] == ["20250115_12", "20250115_12", "20250115_13"]
    assert ids[-1] == world.current
    record = json.loads(world.files[f"/srv/schedgen/.schedgen/releases/{ids[1]}/release.json"])
    assert record["started"].startswith("2025-01-15T12:00")
    assert record["finished"].startswith("2025-01-15T12:00")
    assert record["run"] == f"{NOON + wrong:%Y%m%d_%H%M%S}"
    host = SimHost(world=world)
    assert ask(host, yes=True).code == 0
    assert host.world.boxes["backend"].image.endswith("-b")


def test_ids_grow_though_the_hosts_own_clock_went_back_or_stood_still() -> None:
    world = deployed(fresh(), "v1.2.3", 0, timedelta())
    for hours in (0, 0, -48):
        before = max(world.records())
        world = deployed(world, "v1.2.3", hours, timedelta())
        assert max(world.records()) > before
        assert max(world.records()) == world.current


def test_the_last_one_is_the_last_one_though_it_failed_by_a_laptop_that_is_behind() -> None:
    world = deployed(fresh(), "v1.2.3", 0, timedelta())
    failing = Fault(0, 1, named="^replace frontend$")
    world = deployed(world, "v1.2.4", 1, timedelta(days=-3), failing)
    assert order(world)[0] == "v1.2.4"
    assert max(world.records()) > world.current


def test_clocks_that_agree_give_the_runs_own_name() -> None:
    world = deployed(fresh(), "v1.2.3", 0, timedelta(seconds=3))
    assert world.current == f"20250115_120003-{'b' * 7}"
    assert f"20250115_120003-{OLD[:7]}-adopted" in world.records()


def test_time_goes_on() -> None:
    assert elapsed() <= elapsed()
