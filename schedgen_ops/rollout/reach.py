"""What puts replaced containers out of reach while they go on running, and what takes that back. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass

from schedgen_ops.commands.docker import Container
from schedgen_ops.proxy.routes import called
from schedgen_ops.release.record import Release
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.rollout.versions import Version, versions


@dataclass(frozen=True, slots=True)
class CutOff:
    """Nobody reaches what `new` replaced any more, and it goes on running.

    Attributes:
        names: it is only found by its names no more, and at its addresses it is as before.
    """

    new: Version
    names: bool = False

    def __str__(self) -> str:
        if self.names:
            return f"let the names of {self.new} lead to it alone"
        return f"cut off what {self.new} replaced"

    def inverse(self) -> tuple[Join, ...]:
        """It is reached again."""
        return (Join((self.new,)),)


@dataclass(frozen=True, slots=True)
class Join:
    """What some services replaced is reached again as before, as far as it was cut off."""

    new: tuple[Version, ...]

    def __str__(self) -> str:
        return f"join again what {', '.join(map(str, self.new))} replaced"

    def inverse(self) -> tuple[CutOff, ...]:
        """It is cut off."""
        return tuple(CutOff(each) for each in self.new)


def cut_off(
    new: Release, touched: Iterable[str], found: Sequence[Container]
) -> tuple[tuple[CutOff, ...], ...]:
    """Return the plan that puts what stands by beside `new` out of reach, before that is verified again.

    Args:
        touched: the services that `new` replaced.
        found: the project's containers, as they are.
    """
    others = {box.service for box in found if box.release != new.id}
    both = tuple(CutOff(each) for each in _standing_by(new, touched) if each.service in others)
    return (both,) if both else ()


def joined(new: Release, touched: Iterable[str]) -> tuple[tuple[Join, ...], ...]:
    """Return the plan that takes `cut_off` back."""
    found = tuple(_standing_by(new, touched))
    return ((Join(found),),) if found else ()


def names_alone(new: Release, brought: Collection[str], wave: Iterable[str]) -> Iterator[CutOff]:
    """Return what comes before services that restart with others: they find the new ones of those alone.

    Where no ingress is before those, or their names lead to it, that is so since they were brought.
    """
    wanted = {need for name in wave for need in new.services[name].restarts_with if need in brought}
    standing = _standing_by(new, sorted(wanted))
    return (CutOff(each, names=True) for each in standing if each.behind and not called(each.record.proxies))


def _standing_by(new: Release, services: Iterable[str]) -> Iterator[Version]:
    return (each for each in versions(new, services) if registry.of(each.record).beside)
