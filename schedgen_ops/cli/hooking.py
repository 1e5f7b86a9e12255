"""The hooks of a run, for the tasks that have any."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from schedgen_ops import events
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.task_run import Operation

if TYPE_CHECKING:
    from schedgen_ops.hooks.calling import RunHooks

About = Callable[[], Mapping[str, object]]


@dataclass(frozen=True, slots=True)
class Hooking:
    """The hooks of a run; without a folder of hooks there are none, and nothing of them is imported."""

    hooks: RunHooks | None = None

    def added(self, run: Pipeline) -> Pipeline:
        """Return a deploy with a step for each hook."""
        if self.hooks is None:
            return run
        from schedgen_ops.hooks import placing

        return placing.added(run, self.hooks)

    def before(self, name: str) -> None:
        """Call a hook before anything is changed.

        Raises:
            Refused: where it fails.
        """
        if self.hooks is not None:
            self.hooks.must(name, Refused)

    def over(self, name: str) -> None:
        """Call a hook when the run went well."""
        if self.hooks is not None:
            self.hooks.at_the_end(name, code=0)

    def ending(self) -> AbstractContextManager[None]:
        """Return the block whose failure calls hooks."""
        return nullcontext() if self.hooks is None else self.hooks.ending()

    @property
    def names(self) -> tuple[str, ...]:
        """The hooks that there are."""
        return () if self.hooks is None else tuple(self.hooks.found)


def of(op: Operation, command: str, by: str, more: About = dict) -> Hooking:
    """Return the hooks of a run.

    Args:
        by: who runs it, as user@laptop.
        more: what is known of the run at the moment a hook is called.

    Raises:
        ConfigError: for a folder that is not there, or files in it that can be no hooks; to a run that
            calls no hooks of services, a name that no hook has is a warning.
    """
    chosen = op.settings.hooks.directory
    folder = chosen or op.config_folder / "hooks"
    if not folder.is_dir():
        if chosen:
            raise ConfigError(f"hooks.directory is no folder: {chosen}")
        return Hooking()
    from schedgen_ops.hooks.calling import RunHooks
    from schedgen_ops.hooks.found import find

    settings = op.settings
    warn = None if command == "deploy" else partial(events.warn, op.emit)
    found = find(folder, settings.services, others=not settings.tiers, warn=warn)

    def about() -> dict[str, object]:
        hosts, log = op.fleet.names, str(op.ui.log_path or "")
        what = {"environment": settings.environment, "project": settings.project, "command": command}
        return {**what, "run": op.run, "hosts": hosts, "by": by, "log": log, **more()}

    return Hooking(RunHooks(found, settings.hooks.deadline, op.emit, about, op.ui.veil))


def of_session(op: Operation, command: str, session: Session) -> Hooking:
    """Return the hooks of a run that makes a release serve."""

    def told() -> dict[str, object]:
        new = next((host_run.new for host_run in session.host_runs if host_run.new), None)
        release = {"release": new.id, "commit": new.commit} if new else {"release": "", "commit": ""}
        asked = str(session.ref or "")
        return {"asked": asked, **release, "previous": session.previous, "backup": session.backups}

    return of(op, command, session.owner.person, told)
