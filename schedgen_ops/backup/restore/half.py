"""Data whose exchange was cut off: found by the note on its host, and put back before anybody uses it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from schedgen_ops import events
from schedgen_ops.backup.catalog import selection
from schedgen_ops.backup.catalog.manifest import BackupState, Manifest
from schedgen_ops.backup.create.run import catalog
from schedgen_ops.backup.restore.run import DATABASE, Restore
from schedgen_ops.backup.restore.swap import Note, parse_note
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.paths import Paths
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

_MARK = "swapping "
# Whoever exchanges data there now is waited for.
_PATIENCE = 3600
_TITLE = "Putting half-exchanged data back"


def ask(settings: Settings, patience: int = 0) -> Command:
    """Return the command that tells the note on a host; it fails where data is exchanged by somebody now.

    Args:
        patience: seconds that they are waited for.
    """
    state, title = Paths(settings.directory).state, "look for half-exchanged data"
    return host_script("backup/swapping", title=title, state=state, patience=patience)


def note_in(lines: tuple[str, ...]) -> str | None:
    """Return the text of the note among what a host said; None where there is none."""
    return next((line.removeprefix(_MARK) for line in lines if line.startswith(_MARK.strip())), None)


def look(host: HostContext) -> str | None:
    """Return the text of the note on a host; None where no data is half exchanged.

    Raises:
        OpsError: where the host cannot be asked.
    """
    command = ask(host.settings, _PATIENCE)
    return note_in(host.run(command, _PATIENCE + 60).lines())


def read(host: HostContext, text: str) -> Note:
    """Return a note.

    Raises:
        OpsError: where it cannot be read.
    """
    try:
        return parse_note(text)
    except ValueError as error:
        raise OpsError(
            f"which data was being exchanged is not known: {error}",
            host=host.name,
            hint="`inv emergency.recover` restores all of it, and then nothing is half exchanged.",
        ) from None


def begun(host: HostContext, restored: tuple[str, ...]) -> Restore:
    """Return the restore that a rollback began.

    Args:
        restored: the backup's id, and when that was, as the rollback's record says.

    Raises:
        ConfigError: where the backup is no longer there.
    """
    name, stamp = restored
    return Restore(host, selection.named(catalog(host), name, host.name), DATABASE, stamp)


def put_back(host: HostContext, note: Note) -> None:
    """Put the old data in its place again.

    What had been restored is removed only where nobody can have written to it since.

    Raises:
        OpsError: where that cannot be done; then nobody who uses the data is started.
    """
    host.warn("Data was being exchanged when the host, or the run, was cut off: the old data is put in place")
    # Its name is all that is asked of it: the backup itself may be gone by now.
    backup = Manifest(note.backup, "", "", BackupState.DONE, "", "", ())
    restore = Restore(host, backup, frozenset(note.parts), note.stamp, halted=True)
    ran = restore.users
    try:
        restore.back()
    except OpsError as error:
        if look(host) is not None:
            raise
        host.warn(f"The old data is in place, and who uses it is not well: {error.message}")
    restore.held.let_go()
    if not (ran or host.settings.on_swarm):
        restore.drop()
        return
    what = ", ".join(restore.beside)
    if not ran:
        host.warn(f"What may have been written meanwhile is in {what}, which the next restore removes")
        return
    host.warn(f"{', '.join(ran)} ran meanwhile: what they wrote is in {what}, which the next restore removes")


def put_back_all(fleet: Fleet, context: ContextOf, parts: frozenset[str] = frozenset()) -> bool:
    """Put half-exchanged data back on every host, and return whether all of it is whole now.

    Args:
        parts: what is about to be restored, whatever is there; a host whose note names no other part goes on
            where the old data cannot be put back.

    Raises:
        OpsError: where it cannot be put back.
    """

    def one(host: HostContext) -> bool:
        text = notes[host.name]
        if text is None:
            return True
        try:
            note = read(host, text)
        except OpsError as error:
            if parts != frozenset({"database", "objects"}):
                raise
            host.warn(f"{error.message}; all of it is restored now")
            return False
        try:
            put_back(host, note)
        except OpsError as error:
            if not set(note.parts) <= parts:
                raise
            host.warn(f"{error.message}; it is restored now")
            return False
        return True

    found = fleet.each(lambda remote: look(context(remote))).values()
    notes = dict(zip(fleet.names, found, strict=True))
    if not any(text is not None for text in found):
        return True
    with _as_step(context(fleet.hosts[0])):
        return all(fleet.each(lambda remote: one(context(remote))).values())


@contextmanager
def _as_step(host: HostContext) -> Iterator[None]:
    """Tell of it as of a step: from here on something changes, and the team hears how the run ends."""
    began = host.clock.monotonic()
    host.emit(events.StepStarted("", _TITLE))
    try:
        yield
    except BaseException as error:
        if isinstance(error, OpsError):
            error.step = error.step or _TITLE
        host.emit(events.StepFailed("", _TITLE, host.clock.monotonic() - began, str(error)))
        raise
    host.emit(events.StepFinished("", _TITLE, host.clock.monotonic() - began))


def not_whole(fleet: Fleet, context: ContextOf) -> tuple[str, ...]:
    """Return the hosts that were not seen to hold whole data: it is half exchanged, or they do not answer."""
    found = fleet.each(lambda remote: look(context(remote)))
    return tuple(name for name in fleet.names if found.ok.get(name, "") is not None)


def refuse(fleet: Fleet, context: ContextOf) -> None:
    """Refuse to remove what restores put aside while it may be needed.

    Raises:
        Refused: where data is half exchanged on a host.
    """
    found = fleet.each(lambda remote: look(context(remote))).values()
    for host, note in zip(fleet.names, found, strict=True):
        if note is not None:
            text = "data was being exchanged when the host, or the run, was cut off"
            raise Refused(text, host=host, hint="`inv deploy.recover` puts the old data in place.")
