"""What is done to a host to put a release on it or to take one off, as values. Pure.

A plan is a tuple of groups, one after the other; the operations of a group need nothing of one another and go
at the same time. Each may be done again where it was interrupted, prints as a line, and knows its inverse.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from schedgen_ops.proxy.routes import by_name, parts
from schedgen_ops.release.record import NO_RELEASE, ReleaseId
from schedgen_ops.rollout.plan import Action, ServiceChange
from schedgen_ops.rollout.reach import CutOff, Join
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.rollout.strategies.contract import Strategy
from schedgen_ops.rollout.versions import Version
from schedgen_ops.rollout.work_tree import CheckOut, GoBack


@dataclass(frozen=True, slots=True)
class Keep:
    """A service is left as it is."""

    change: ServiceChange

    def __str__(self) -> str:
        return f"leave {self.change.service} as it is"

    def inverse(self) -> tuple[Operation, ...]:
        """Nothing is to be taken back."""
        return ()


@dataclass(frozen=True, slots=True)
class SetIngress:
    """The ingress is as a release has it; the first one takes over the ports of the services behind it.

    Attributes:
        behind: the services behind it.
        before: the services that the release before has behind it.
        first: whether the ports change hands.
        repair: whether what a killed run left closed is opened again, or a half hand-over ended.
    """

    behind: tuple[Version, ...]
    before: tuple[Version, ...] = ()
    first: bool = False
    repair: bool = False

    @property
    def services(self) -> frozenset[str]:
        """The names of the services behind it."""
        return frozenset(each.service for each in self.behind)

    @property
    def release_id(self) -> ReleaseId:
        """The id of the release whose configuration it gets."""
        return self.behind[0].release_id

    def __str__(self) -> str:
        raw = [" ".join(parts(name)) for each in self.behind for name in each.record.raw if not by_name(name)]
        called = [name for each in self.behind for name in each.record.proxies if by_name(name)]
        ways = f"; by name at {', '.join(called)}" if called else ""
        ways += f"; no HTTP seen, passed on as it comes: {', '.join(raw)}" if raw else ""
        if self.first:
            return f"hand the ports of {_names(self.behind)} over to the ingress{ways}"
        how = "repair" if self.repair else "set"
        return f"{how} the ingress for {_names(self.behind)} of {self.release_id}{ways}"

    def inverse(self) -> tuple[Operation, ...]:
        """The ingress as the release before had it; ports that it took over it keeps."""
        return (SetIngress(self.before, self.behind),) if self.before else ()


@dataclass(frozen=True, slots=True)
class Bring:
    """The containers of a service are replaced by new ones, as its strategy has it; these are healthy then.

    Where they start beside the old ones, these stay until `Retire`.

    Attributes:
        old: the service as the release before has it; None where it has none.
        share: percent of the requests that the new ones get behind the ingress, as the orchestrator has it.
    """

    new: Version
    old: Version | None
    change: ServiceChange
    share: int = 100

    @property
    def how(self) -> Strategy:
        """The strategy of the service."""
        return registry.of(self.new.record)

    @property
    def beside(self) -> bool:
        """Whether new and old containers run at the same time."""
        return self.how.beside

    def __str__(self) -> str:
        return f"{self.how.text(self.new, self.share)}: {self.change.reason}"

    def inverse(self) -> tuple[Operation, ...]:
        """Beside the new containers the old ones still run; else the old ones are put back, but no job."""
        if not self.beside:
            return _put_back(self.new, self.old)
        # Of what no release has, there may be containers that its owner started.
        still = Revert(self.new, self.old)
        return (still,) if self.old else (still, Remove(self.new))


@dataclass(frozen=True, slots=True)
class Revert:
    """Containers that `new` was to replace serve again, as they still run, and those of `new` go."""

    new: Version
    old: Version | None

    def __str__(self) -> str:
        return f"let what {self.new} was to replace serve again"

    def inverse(self) -> tuple[Operation, ...]:
        """The new containers beside the old ones."""
        return (bring(self.new, self.old, again(self.new.service)),)


@dataclass(frozen=True, slots=True)
class Retire:
    """The containers that `new` replaced are drained, stopped and removed."""

    new: Version
    old: Version | None = None

    def __str__(self) -> str:
        return f"retire what {self.new} replaced"

    def inverse(self) -> tuple[Operation, ...]:
        """The old containers anew; none stands by any more."""
        return _put_back(self.new, self.old)


@dataclass(frozen=True, slots=True)
class Remove:
    """The containers of a service go that the release before did not have; only those of the release.

    Those of a job too: what serves needs none.
    """

    new: Version

    def __str__(self) -> str:
        return f"remove {self.new}, {'a job' if ends(self.new) else 'which was new'}"

    def inverse(self) -> tuple[Operation, ...]:
        """The service started anew."""
        return _put_back(self.new, self.new)


@dataclass(frozen=True, slots=True)
class Name:
    """A release is named as the one that serves, and its containers come back after a reboot.

    Attributes:
        release, before: ids; `before` is "" where nothing served.
        services: those that it replaced, of which the old containers still stand by.
    """

    release_id: ReleaseId
    services: tuple[str, ...] = ()
    before: ReleaseId = NO_RELEASE

    def __str__(self) -> str:
        return f"name {self.release_id} as what serves"

    def inverse(self) -> tuple[Operation, ...]:
        """The release before is named."""
        return (Name(self.before, before=self.release_id),)


@dataclass(frozen=True, slots=True)
class Untag:
    """Names of images are removed, and an image with its last name."""

    images: tuple[str, ...]

    def __str__(self) -> str:
        return f"untag {', '.join(self.images)}"

    def inverse(self) -> tuple[Operation, ...]:
        """Nothing: what has no name is gone."""
        return ()


@dataclass(frozen=True, slots=True)
class Unless:
    """Operations one after the other, unless `first` ends well: for who cannot look before."""

    first: Operation | None
    then: tuple[Operation, ...] = ()

    def __str__(self) -> str:
        ways = [str(self.first)] if self.first else []
        return "; or else ".join([*ways, *filter(None, ["; then ".join(map(str, self.then))])])

    def inverse(self) -> tuple[Operation, ...]:
        """Nothing: what was done of it is not known."""
        return ()


Operation = (
    Keep
    | CheckOut
    | GoBack
    | SetIngress
    | Bring
    | CutOff
    | Join
    | Revert
    | Retire
    | Remove
    | Name
    | Untag
    | Unless
)
Group = tuple[Operation, ...]
Plan = tuple[Group, ...]


Moves = Bring | Revert | Retire | Remove
"""What changes the containers of a service."""


def bring(new: Version, old: Version | None, change: ServiceChange, share: int = 100) -> Bring:
    """Return what replaces a service's containers; without an ingress before them they get all or nothing."""
    return Bring(new, old, change, share if new.behind else 100)


def text(plan: Plan) -> Iterator[str]:
    """Return a plan as text, an operation a line; what goes with the one above it begins with `&`."""
    for group in plan:
        for number, operation in enumerate(group):
            yield f"{'& ' if number else ''}{operation}"


def again(service: str) -> ServiceChange:
    """Return why a service is started that was there before."""
    return ServiceChange(service, Action.REPLACE, "put back")


def ends(version: Version) -> bool:
    """Return whether a service is a job, which is not run again on the way back."""
    return registry.of(version.record).ends


def _put_back(new: Version, old: Version | None) -> tuple[Operation, ...]:
    return (bring(old, new, again(old.service)),) if old and not ends(old) else (Remove(new),)


def _names(found: Iterable[Version]) -> str:
    return ", ".join(each.service for each in found)
