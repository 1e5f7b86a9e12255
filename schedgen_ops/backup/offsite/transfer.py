"""What rclone says while it works on a host: progress, and why it failed."""

from __future__ import annotations

from collections.abc import Callable

from schedgen_ops import events
from schedgen_ops.backup.catalog.manifest import BackupId, Manifest
from schedgen_ops.commands import rclone
from schedgen_ops.errors import CommandFailed, OpsError
from schedgen_ops.host_context import HostContext
from schedgen_ops.settings import Offsite
from schedgen_ops.shell import Command

_HINTS = {
    "not installed": "Install rclone on the host, or name an image that has it in backup.offsite.image.",
    "no such host": "Look at the endpoint in backup.offsite.options, and at the host's DNS.",
    "connection refused": "Nothing answers at the endpoint in backup.offsite.options.",
    "accessdenied": "The remote refuses the credentials: look at backup.offsite.secrets.",
    "signaturedoesnotmatch": "The remote refuses the secret: look at backup.offsite.secrets.",
    "invalidaccesskeyid": "The remote does not know the access key in backup.offsite.options.",
    "no room for it": "Free some space: `inv backup.prune` removes backups that nothing holds any more.",
    "no space left": "The remote is full.",
}


def run(
    host: HostContext,
    offsite: Offsite,
    command: Command,
    take: Callable[[str], None] = lambda _: None,
    *,
    failed: str,
    again: str,
) -> None:
    """Run rclone on a host.

    Args:
        take: is given each line that it prints.
        failed: what is said where it fails: "the copy to bucket/copies failed".
        again: what is to be done then.

    Raises:
        OpsError: where it fails, with rclone's reason.
    """
    said: list[str] = []

    def listen(line: str) -> None:
        said.extend(filter(None, [rclone.parse_error(line)]))
        take(line)

    command = command.in_dir(host.settings.directory)
    try:
        host.remote.stream(command, listen, deadline=offsite.deadline)
    except CommandFailed as error:
        detail = "\n".join(dict.fromkeys(said[-5:])) or error.detail
        text = f"{detail}\n{error.detail}".lower()
        hint = next((hint for part, hint in _HINTS.items() if part in text), "")
        raise OpsError(
            failed,
            host=error.host or host.name,
            detail=detail,
            hint="\n".join(filter(None, (hint, again))),
        ) from error


def copy(
    host: HostContext,
    offsite: Offsite,
    backup: Manifest,
    command: Callable[..., Command],
    *,
    doing: str,
    reading: str,
    failed: str,
    again: str,
    unlike: str,
) -> list[str]:
    """Copy a backup and compare what was read of the copy with its manifest; once more where that differs.

    Args:
        command: gives the command that copies; `again=True` copies what seems to be there already too.
        doing, reading: "Copying", and "Reading back": before the backup's id, as a progress is called.
        failed, again: as for `run`.
        unlike: what is said of files that differ, behind their names.

    Returns:
        the names of the files that differ all the same.

    Raises:
        OpsError: where rclone fails.
    """
    wanted = {file.name: (file.size, file.sha256) for file in backup.files}
    wrong: list[str] = []
    for anew in (False, True):
        lines: list[str] = []
        take = _listener(host, backup.id, backup.size, lines.append, doing=doing, reading=reading)
        run(host, offsite, command(again=anew), take, failed=failed, again=again)
        found = rclone.parse_copy(lines)
        wrong = [name for name, what in wanted.items() if found.get(name) != what]
        if not wrong:
            break
        if not anew:
            host.warn(f"{', '.join(wrong)}: {unlike}, copied again")
    return wrong


def _listener(
    host: HostContext, id: BackupId, size: int, keep: Callable[[str], None], *, doing: str, reading: str
) -> Callable[[str], None]:
    """Return what takes the lines of a copy, tells of its progress, and keeps those of what was read.

    Args:
        size: the backup's, in bytes.
        doing, reading: "Copying", and "Reading back": before the backup's id, as a progress is called.
    """
    label = f"{doing} {id}"

    def take(line: str) -> None:
        nonlocal label
        if (told := rclone.parse_progress(line)) is not None:
            host.emit(events.Progress(label, told, size, "bytes", host.name))
        elif line.startswith(("size ", "sha256 ")):
            keep(line)
        elif line == "checking":
            host.emit(events.Progress(label, 1, 1, "bytes", host.name))
            label = f"{reading} {id}"
            events.info(host.emit, f"Copied; {reading.lower()} it", host.name)
        else:
            host.emit(events.Output(line, host.name))

    return take
