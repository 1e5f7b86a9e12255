"""The rollback to what stands by: requests are moved, and the rest is put right as after a run cut off."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from schedgen_ops import events
from schedgen_ops.deploy import recovering, standby
from schedgen_ops.deploy.session import Session
from schedgen_ops.deploy.standby import Standby
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.lock import run as lock
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ReleaseId, State
from schedgen_ops.release.store import Shelf
from schedgen_ops.remote import Remote
from schedgen_ops.runner import StepRunner
from schedgen_ops.settings import Settings
from schedgen_ops.steps import Step

MOVING, REST = "Moving requests back", "Pre-flight Checks"


@dataclass(slots=True)
class AtOnce:
    """A rollback to the release that stands by on every host.

    Attributes:
        shelves: what each host has of releases, by its name.
        standing: what stands by on it.
        decided: when it was decided to go back, in seconds on the monotonic clock.
        otherwise: goes back the long way, where what stands by cannot serve.
    """

    session: Session
    shelves: Mapping[str, Shelf]
    standing: Mapping[str, Standby]
    decided: float
    otherwise: Callable[[], str]
    _answering: float = field(default=0.0)
    _failed: str = ""

    @property
    def release(self) -> ReleaseId:
        """The id of the release that is gone back to."""
        return next(iter(self.standing.values())).release

    @property
    def steps(self) -> tuple[Step, ...]:
        """The steps, for their titles."""
        return (Step("1", MOVING, self.move, gate=True, lasting=True), Step("2", REST, lambda: None))

    def __call__(self) -> str:
        """Move the requests, put the rest right, and return the id of the release that serves.

        Raises:
            OpsError: where the rest cannot be put right; `inv deploy.recover` goes on then.
        """
        StepRunner(self.session.emit, self.session.clock).run(self.steps[:1])
        if self._failed:
            events.warn(
                self.session.emit, f"What stood by does not serve: {self._failed}; it is started anew"
            )
            return self.otherwise()
        self.session.agreed = {name: stood.release for name, stood in self.standing.items()}
        recovering.recover(self.session)
        return self.release

    def move(self) -> None:
        """Let what stands by serve on every host, and name its release as what serves.

        Where it does not on one host, nothing is named: it is beside the newer one, as a killed run has it.

        Raises:
            Refused: where another deploy was quicker.
        """
        session, paths = self.session, Paths(self.session.settings.directory)
        lease = session.settings.lock.lease
        with lock.held(session.fleet, paths, session.owner, lease, session.patience) as held:
            for name, current in held.current.items():
                if current != self.standing[name].newer:
                    raise Refused("another deploy ended a moment ago", host=name, hint="Run it again.")
            failed = session.fleet.each(self._serve_again).errors
            if failed:
                self._failed = "; ".join(map(_reason, failed.values()))
                return
            seconds = self._answering - self.decided
            events.info(
                session.emit, f"{self.release} answers every request, {seconds:.1f}s after the decision"
            )
            session.emit(events.Fact("answering", seconds))
            session.fleet.each(self._name).values()
            # What is left of this the rest does, as after a run that was cut off.
            session.fleet.each(self._newer_goes)

    def _serve_again(self, remote: Remote) -> None:
        clock, stood = self.session.clock, self.standing[remote.name]

        def moved(service: str) -> None:
            self._answering = max(self._answering, clock.monotonic())
            events.info(
                self.session.emit, f"Service {service}: the containers it had serve again", remote.name
            )

        standby.back(remote, self.session.settings, stood, self._release(remote, stood.release), moved)

    def _name(self, remote: Remote) -> None:
        """The newer release was begun, and is done no more: whoever comes next leads home from there."""
        paths, stood = Paths(self.session.settings.directory), self.standing[remote.name]
        newer = self._release(remote, stood.newer)
        text = f"taken back by {self.session.owner.person}, while {stood.release} stood by"
        store.write(remote, paths, replace(newer, state=State.STARTED, finished="", error=text))
        store.set_current(remote, paths, stood.release)

    def _newer_goes(self, remote: Remote) -> None:
        stood, settings = self.standing[remote.name], self.session.settings

        def tell(text: str) -> None:
            events.warn(self.session.emit, text, remote.name)

        standby.newer_goes(remote, settings, stood, self._release(remote, stood.newer), tell)

    def _release(self, remote: Remote, release_id: ReleaseId) -> Release:
        found = self.shelves[remote.name].get(release_id)
        if found is None:
            raise OpsError(f"there is no record of {release_id}", host=remote.name)
        return found


def ready(
    fleet: Fleet, settings: Settings, shelves: Mapping[str, Shelf], target: Release
) -> Mapping[str, Standby]:
    """Return what stands by of `target` on every host; nothing where it does not on all of them."""
    if not settings.rollout.standby:
        return {}
    asked = fleet.each(lambda remote: standby.look(remote, settings))
    if asked.errors:
        return {}
    fits = {
        name: found
        for name, found in asked.ok.items()
        if found and found.newer == shelves[name].current and _is(target, found.release, shelves[name])
    }
    return fits if len(fits) == len(fleet) else {}


def _is(target: Release, stood: ReleaseId, shelf: Shelf) -> bool:
    """Whether a release is the one that is gone back to: what a rollback to it made is."""
    made = shelf.get(stood)
    return target.id in (stood, made.restores if made else "")


def _reason(error: Exception) -> str:
    said = error.detail.strip().splitlines() if isinstance(error, OpsError) else []
    return said[-1] if said else str(error)
