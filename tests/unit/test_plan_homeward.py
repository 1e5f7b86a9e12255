"""Cut off after any operation, or in its middle, and again on the way home: the next plan leads home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import given
from hypothesis import strategies as st
from kit import quickly
from planning import HOW, ORDER, box, release, running

from schedgen_ops.commands.docker import INGRESS, Container
from schedgen_ops.release.record import Release
from schedgen_ops.rollout import planner, reach
from schedgen_ops.rollout.grouping import Grouping, together, waves
from schedgen_ops.rollout.operations import (
    Bring,
    Name,
    Operation,
    Plan,
    Remove,
    Retire,
    Revert,
    SetIngress,
    Unless,
)
from schedgen_ops.rollout.reach import CutOff, Join
from schedgen_ops.rollout.versions import Version
from schedgen_ops.rollout.work_tree import GoBack


@dataclass
class Host:
    """What the operations change: the containers, and the release that is named."""

    boxes: tuple[Container, ...]
    current: str
    unreached: frozenset[str] = frozenset()

    def of(self, service: str) -> tuple[Container, ...]:
        return tuple(each for each in self.boxes if each.service == service)

    def have(self, service: str, boxes: tuple[Container, ...]) -> None:
        self.boxes = (*(each for each in self.boxes if each.service != service), *boxes)

    def started(self, new: Version) -> tuple[Container, ...]:
        image = new.record.image_id
        return tuple(
            box(new.service, new.release_id, image, 10 + number) for number in range(new.record.replicas)
        )

    def perform(self, operation: Operation) -> bool:
        """As the scripts do it on a host, whose engine does what it is told; False where it ends badly."""
        match operation:
            case Bring(new=new, beside=True):
                self.have(new.service, (*self.started(new), *self.of(new.service)))
            case Bring(new=new):
                self.have(new.service, self.started(new))
            case CutOff() | Join():
                self.reach(operation)
            case Revert(new=new):
                self.unreached -= {each.id for each in self.of(new.service)}
                others = tuple(each for each in self.of(new.service) if each.release != new.release_id)
                if others == self.of(new.service):
                    return True
                if not others or not all(each.good for each in others):
                    return False
                self.have(new.service, others)
            case Retire(new=new):
                its = tuple(each for each in self.of(new.service) if each.release == new.release_id)
                if its and all(each.good for each in its[: new.record.replicas]):
                    self.have(new.service, its[: new.record.replicas])
            case Remove(new=new):
                rest = tuple(each for each in self.of(new.service) if each.release != new.release_id)
                self.have(new.service, rest)
            case Name(release_id=name):
                self.current = name
            case SetIngress():
                self.have(INGRESS, (box(INGRESS, "", "haproxy"),))
            case Unless(first, then):
                return bool(first and self.perform(first)) or all(self.perform(each) for each in then)
        return True

    def reach(self, operation: CutOff | Join) -> None:
        """What a container is on or off, which no plan can see."""
        if isinstance(operation, CutOff):
            new = operation.new
            self.unreached |= {each.id for each in self.of(new.service) if each.release != new.release_id}
        else:
            self.unreached -= {each.id for new in operation.new for each in self.of(new.service)}

    def half(self, operation: Operation) -> None:
        """What the operation leaves whose script is ended in its middle by a reboot."""
        match operation:
            case Bring(new=new, beside=True):
                self.have(new.service, (*self.started(new), *self.of(new.service)))
            case Bring(new=new):
                self.have(new.service, ())


def operations(plan: Plan) -> Iterator[Operation]:
    for group in plan:
        yield from group


def performed(host: Host, plan: Plan, most: int, *, half: bool = False) -> int:
    """Performs at most so many operations, and the next one halfway; how many more there might have been."""
    for operation in operations(plan):
        if most <= 0:
            if half and most == 0:
                host.half(operation)
            return -1
        host.perform(operation)
        most -= 1
    return most


def deployed(
    host: Host, new: Release, old: Release | None, most: int, grouped: Grouping, *, half: bool
) -> None:
    """A deploy or a rollback that is cut off after so many operations."""
    plan = planner.forward(ORDER, new, old, host.boxes, grouped=grouped)
    touched = [each.new.service for each in operations(plan) if isinstance(each, Bring)]
    most = performed(host, plan, most, half=half)
    if most >= 0:
        cut = reach.cut_off(new, touched, host.boxes)
        ended = planner.named(new, old, touched) + planner.settled(new, old, touched)
        performed(host, cut + ended, most, half=half)


def recovered(host: Host, serving: Release, begun: list[Release], most: int, *, half: bool = False) -> None:
    """The way home, cut off after so many operations; what a killed run put out of reach is joined first."""
    host.unreached = frozenset()
    most = performed(host, planner.ingress_back(serving, host.boxes, repair=True), most, half=half)
    for leg in planner.homeward(serving, begun, ORDER):
        if most >= 0:
            most = performed(host, leg(host.boxes), most, half=half)


def standing(host: Host) -> dict[str, list[tuple[str, bool]]]:
    return {name: sorted((each.image, each.good) for each in host.of(name)) for name in HOW if host.of(name)}


def whole(of: Release) -> dict[str, list[tuple[str, bool]]]:
    return {name: [(one.image_id, True)] * one.replicas for name, one in of.services.items()}


SOME = st.sets(st.sampled_from(ORDER))
COUNT = st.integers(0, 14)
REPLICAS = st.fixed_dictionaries({"api": st.integers(1, 3), "worker": st.integers(1, 2)})


@quickly
@given(
    SOME,
    SOME,
    REPLICAS,
    REPLICAS,
    COUNT,
    st.booleans(),
    COUNT,
    st.booleans(),
    st.sampled_from([waves, together]),
)
def test_wherever_it_is_cut_off_the_way_leads_home(
    changed: set[str],
    added: set[str],
    before: dict[str, int],
    after: dict[str, int],
    cut: int,
    half: bool,
    again: int,
    half_again: bool,
    grouped: Grouping,
) -> None:
    old = release("r1", [], without=added, replicas=before)
    new = release("r2", changed, replicas=after)
    host = Host(running(old), "r1")
    deployed(host, new, old, cut, grouped, half=half)
    serving, begun = (new, []) if host.current == "r2" else (old, [new])
    stood_by = {
        each for name in ("api", "web", "worker") for each in host.of(name) if each.release == serving.id
    }
    recovered(host, serving, begun, again, half=half_again)
    recovered(host, serving, begun, 99)
    assert standing(host) == whole(serving)
    assert host.current == serving.id
    assert not host.unreached & {each.id for each in host.boxes}
    # What stood by serves again as it is: nobody waits for a start.
    assert serving is new or stood_by <= {*host.boxes}
    # Who is home stays there, and the next deploy goes through.
    was = {*host.boxes}
    recovered(host, serving, [], 99)
    assert {*host.boxes} == was
    deployed(host, new, serving, 99, grouped, half=False)
    assert standing(host) == whole(new)
    assert not host.unreached & {each.id for each in host.boxes}


@quickly
@given(SOME, COUNT, st.booleans())
def test_two_runs_that_were_cut_off_are_both_undone(changed: set[str], cut: int, half: bool) -> None:
    old, first, second = release("r1", []), release("r2", changed), release("r3")
    host = Host(running(old), "r1")
    deployed(host, first, old, cut, waves, half=half)
    if host.current == "r1":
        deployed(host, second, old, cut // 2, waves, half=not half)
        assert host.current == "r1"
        recovered(host, old, [second, first], 99)
        assert standing(host) == whole(old)


@quickly
@given(
    SOME, SOME, REPLICAS, REPLICAS, st.sets(st.sampled_from(["api", "web", "worker"])), COUNT, st.booleans()
)
def test_a_host_that_plans_nothing_on_its_way_comes_home_too(
    changed: set[str],
    added: set[str],
    before: dict[str, int],
    after: dict[str, int],
    sick: set[str],
    cut: int,
    late: bool,
) -> None:
    """The guard's own way, from a release that was verified, with old containers that fell ill meanwhile."""
    old, new = release("r1", [], without=added, replicas=before), release("r2", changed, replicas=after)
    host = Host(running(old), "r1")
    plan = planner.forward(ORDER, new, old, host.boxes)
    touched = [each.new.service for each in operations(plan) if isinstance(each, Bring)]
    performed(host, plan, 99)
    if late:
        # It was to be kept, and did not pass its checks without them.
        performed(host, reach.cut_off(new, touched, host.boxes), 99)
    for name in {*touched} & sick & old.services.keys():
        ill = (replace(each, health="unhealthy") if each.release == "r1" else each for each in host.of(name))
        host.have(name, tuple(ill))
    way = planner.unattended(new, old, touched, GoBack("a" * 40))
    performed(host, way, cut)
    performed(host, way, 99)
    assert standing(host) == whole(old)
    assert host.current == "r1"
    assert not host.unreached & {each.id for each in host.boxes}


@quickly
@given(COUNT, st.booleans(), st.booleans())
def test_what_its_owner_started_outside_every_release_serves_again(cut: int, half: bool, alone: bool) -> None:
    old, new = release("r1", [], without=["web"]), release("r2")
    owners = box("web", "", "base")
    host = Host((*running(old), owners), "r1")
    plan = planner.forward(ORDER, new, old, host.boxes)
    touched = [each.new.service for each in operations(plan) if isinstance(each, Bring)]
    performed(host, plan, cut, half=half)
    if alone:
        performed(host, planner.unattended(new, old, touched, GoBack("a" * 40)), 99)
    else:
        recovered(host, old, [new], 99)
    assert host.of("web") == (owners,)


def test_containers_that_are_not_well_are_no_way_back() -> None:
    old, new = release("r1", []), release("r2")
    sick = tuple(replace(each, health="unhealthy") for each in running(old, "web") if each.service == "web")
    rest = tuple(each for each in running(old) if each.service != "web")
    host = Host((*rest, *sick, box("web", "r2", "r2")), "r1")
    recovered(host, old, [new], 99)
    assert standing(host) == whole(old)
