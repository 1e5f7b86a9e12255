"""Everything of a stack taken down, and brought up again as the release that serves has it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from schedgen_ops.commands import files, git, swarm_data
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.commands.swarm import Standing
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.errors import OpsError, Refused, Unreachable
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import HostContext
from schedgen_ops.preflight.plan import Observed
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release
from schedgen_ops.remote import Remote
from schedgen_ops.rollout.grouping import needed_by
from schedgen_ops.swarm import data_node, rolling
from schedgen_ops.swarm.data_node import Placed
from schedgen_ops.swarm.keeping_away import Ingresses
from schedgen_ops.swarm.manager import MIGRATING, folder, seen

# Seconds that containers may take to end by themselves.
_END = 600
CUT_OFF = "an emergency took everything down and was cut off"


def record(host: HostContext) -> str:
    """Return the file on the manager that says that everything was taken down."""
    return f"{Paths(host.settings.directory).state}/down"


def refuse_down(placed: Placed, manager: str) -> None:
    """Refuse to work on data while nothing may run.

    Raises:
        Refused: where an emergency was cut off in the middle.
    """
    if placed.having[manager].anew:
        raise empty(manager)
    if placed.having[manager].down:
        hint = "`inv emergency.recover` again, or `inv deploy.recover`: it starts all with the data as it is."
        raise Refused(CUT_OFF, host=manager, hint=hint)


def empty(host: str) -> Refused:
    """Return why nothing is started where the database had begun anew, and nothing was restored into it."""
    text = f"{CUT_OFF}, and the database is empty"
    return Refused(text, host=host, hint="`inv emergency.recover` again restores it, and starts everything.")


def at_work(host: HostContext) -> HostRun:
    """Return a manager as what works on services takes it, with the release that is to serve.

    Raises:
        Refused: where none of ours does.
    """
    paths = Paths(host.settings.directory)
    shelf = store.known(host.remote, paths)
    if shelf.serving is None:
        hint = "`inv deploy` makes one; `inv backup.restore` restores its database then."
        raise Refused(
            "no release of ours is to serve, so nothing is known to be started", host=host.name, hint=hint
        )
    looked = Observed(
        git.NO_WORK_TREE, (), shelf, classic=False, engine="", compose="", no_detour="", free_bytes=0
    )
    return HostRun(host, looked, old=shelf.serving, new=shelf.serving)


@dataclass(slots=True)
class WholeStack:
    """All services of a stack in an emergency, told to its manager.

    Attributes:
        manager: with the release that is to serve.
        nodes: the nodes that answer.
    """

    manager: HostRun
    nodes: Fleet

    @property
    def release(self) -> Release:
        """The release that is to serve."""
        return self.manager.release

    @property
    def files(self) -> str:
        """The folder with its files."""
        return folder(self.manager.paths, self.release.id)

    @property
    def _ingresses(self) -> Ingresses:
        manager = self.manager.context
        return Ingresses(manager, self.nodes, lambda remote: replace(manager, remote=remote))

    @property
    def names(self) -> tuple[str, ...]:
        """Its services, and its ingress."""
        ingress = (INGRESS,) if rolling.has(self.release, INGRESS) else ()
        return (*ingress, *self.release.services)

    def down(self, *, anew: bool = False) -> None:
        """Remove every service, and wait until nothing of them runs; volumes stay.

        What the release does not have is no service that we could make again: it is stopped for the time.

        Args:
            anew: whether the data began anew in an emergency before this one, and nothing was restored since.

        Raises:
            OpsError: where something goes on running.
        """
        host = self.manager.context
        self.note(anew=anew)
        found = seen(host).services
        self._stop_others(found)
        there = {each.service for each in found}
        if ours := [name for name in (*self.names, MIGRATING) if name in there]:
            rolling.remove(self.manager, ours)
        self.ended(self.names)
        self.manager.say("Everything is down; the volumes are there")

    def note(self, *, anew: bool = False) -> None:
        """Keep on record that everything is down.

        Args:
            anew: whether the database is about to begin anew: nobody may use it before something is restored.
        """
        host = self.manager.context
        host.run(files.replace(record(host), f"{self.release.id}\n{'anew' if anew else ''}\n"))

    def _stop_others(self, found: Iterable[Standing]) -> None:
        ours = {*self.names, MIGRATING}
        others = [each for each in found if each.service not in ours]
        for each in others:
            if each.mode != "replicated":
                self.manager.warn(
                    f"{each.service} is none of the release's and runs on every node: it is left as it is"
                )
        stopped = [
            each.service for each in others if each.mode == "replicated" and not each.ends and each.wanted
        ]
        if stopped:
            data_node.Users(self.manager.context, tuple(stopped)).stop()
            self.manager.say(f"Stopped for the time: {', '.join(stopped)}, which the release does not have")

    def ended(self, services: Sequence[str]) -> None:
        """Wait on every node until nothing of these services runs there.

        Raises:
            OpsError: where something still does.
        """
        settings = self.manager.settings
        command = swarm_data.ended(self.manager.docker, settings.project, services, _END)

        def wait(remote: Remote) -> None:
            remote.run(command, deadline=_END + 60)

        self.nodes.each(wait).values()

    def vacate(self, service: str) -> None:
        """Remove one service, and wait until nothing of it runs."""
        rolling.remove(self.manager, (service,))
        self.ended((service,))

    def start(self, *services: str) -> None:
        """Bring services, and before them what they need, until they are well.

        Raises:
            OpsError: for the first that is not.
        """
        records = self.release.services
        needed = needed_by(services, {name: one.needs for name, one in records.items()})
        for group in rolling.order(records, {**needed, **dict.fromkeys(services)}):
            self._bring(group)

    def up(self) -> tuple[OpsError, ...]:
        """Bring everything, and what was stopped besides; return why what is not well is not, told already.

        What does not get well keeps nothing else from it.

        Raises:
            Unreachable: where the manager does not answer.
        """
        failed: list[OpsError] = []
        gate = ((INGRESS,),) if INGRESS in self.names else ()
        for group in (*gate, *rolling.order(self.release.services, self.release.services)):
            try:
                self._bring(group)
            except Unreachable:
                raise
            except OpsError as error:
                failed.append(error)
                self.manager.warn(error.message)
        # From here on a deploy can mend it, and none has to wait for what does not get well.
        self.manager.run(files.remove(record(self.manager.context)))
        if names := data_node.resume(self.manager.context):
            self.manager.say(f"Started again: {names}")
        return tuple(failed)

    def _bring(self, group: Iterable[str]) -> None:
        names = tuple(group)
        for job in (name for name in names if rolling.ends(self.release, name)):
            rolling.run_job(self.manager, job, self.manager.settings.rollout.job_deadline)
        if lasting := [name for name in names if not rolling.ends(self.release, name)]:
            with self._ingresses.replaced(self.release if INGRESS in names else None):
                rolling.roll(self.manager, self.release, lasting)
            self.manager.say(f"Started: {', '.join(lasting)}")

    def start_again(self) -> None:
        """After an emergency that was cut off: start the database, before anybody who uses it.

        Objects that are half exchanged are put back while nothing of their store runs.

        Raises:
            OpsError: where it does not start; then nobody who uses it is started.
        """
        self.manager.warn(f"{CUT_OFF.capitalize()}: it is started again")
        database = self.manager.settings.database
        if database is None:
            return
        try:
            self.start(database.service)
        except OpsError as error:
            error.hint = "`inv emergency.recover` restores it where its files are why."
            raise
