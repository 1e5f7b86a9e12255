"""rclone on a host: the host's own, or one in a container. What a remote is travels on stdin. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, Secret, Value

PASSWORD = "RCLONE_PASSWORD_TO_OBSCURE"
_REMOTE, _VAULT = "offsite", "vault"


@dataclass(frozen=True, slots=True)
class RcloneRemote:
    """A remote as rclone.conf would describe it.

    Attributes:
        path: what is behind the colon.
        options: by rclone's names.
        secrets: options whose values nobody may see.
        password: encrypts what is written; None leaves it as it is.
        image: runs rclone in a container of it; "" takes the host's own.
    """

    path: str
    options: Mapping[str, str]
    secrets: Mapping[str, Secret]
    password: Secret | None = None
    image: str = ""


def copy(docker: Docker, remote: RcloneRemote, folder: str, name: str, *, again: bool = False) -> Command:
    """Copies a backup but for its manifest, and reads it back; see `parse_progress` and `parse_copy`.

    Args:
        folder: the backup's, relative to the working directory.
        name: the folder on the remote.
        again: copies what seems to be there already too.
    """
    more = {"again": "yes" if again else ""}
    return _script("rclone/copy", "copy to the remote", docker, remote, folder, name, **more)


def seal(docker: Docker, remote: RcloneRemote, folder: str, name: str) -> Command:
    """Copies the manifest, and fails where it does not read back the same."""
    return _script("rclone/seal", "copy the manifest to the remote", docker, remote, folder, name)


def offered(docker: Docker, remote: RcloneRemote, folder: str, name: str, wanted: str) -> Command:
    """Lists the backups on the remote, with their manifests, as those of a host are listed.

    Args:
        folder: the backups', relative to the working directory.
        name: the folder on the remote that they are in.
        wanted: what the name of a backup begins with.
    """
    title = "look at the copies on the remote"
    return _script("rclone/offered", title, docker, remote, folder, name, wanted=wanted)


def pull(
    docker: Docker, remote: RcloneRemote, folder: str, name: str, id: str, size: int, *, again: bool = False
) -> Command:
    """Copies a backup from the remote, but for its manifest, and reads it; see `parse_copy`.

    Args:
        folder, name: as for `offered`; what arrives is in a folder of the backup's name and `.part`.
        id: the backup's.
        size: bytes that it takes.
        again: copies what seems to be there already too.
    """
    more: dict[str, Value] = {"id": id, "bytes": size, "again": "yes" if again else ""}
    return _script("rclone/pull", "copy from the remote", docker, remote, folder, name, **more)


def _script(
    script: str, title: str, docker: Docker, remote: RcloneRemote, folder: str, name: str, **more: Value
) -> Command:
    command = host_script(
        script,
        title=title,
        docker=docker.words,
        image=remote.image,
        folder=folder,
        path=remote.path,
        name=name,
        encrypt="yes" if remote.password else "",
        secrets=[_variable(option) for option in remote.secrets],
        **more,
    )
    pairs = "".join(f"{_variable(option)}={value}\0" for option, value in remote.options.items())
    command = command.with_stdin(pairs)
    for option, secret in remote.secrets.items():
        command = command.with_secret(_variable(option), secret)
    return command.with_secret(PASSWORD, remote.password) if remote.password else command


def _variable(option: str) -> str:
    return f"RCLONE_CONFIG_{_REMOTE}_{option}".upper()


def parse_progress(line: str) -> int | None:
    """Bytes moved so far, if a line of `copy` is one of rclone's statistics."""
    stats = _log(line).get("stats")
    done = stats.get("bytes") if isinstance(stats, dict) else None
    return done if isinstance(done, int) else None


def parse_error(line: str) -> str:
    """What a line of `copy` says of an error; "" if it says none."""
    log = _log(line)
    if not log:
        return ""
    return str(log.get("msg", "")).strip() if log.get("level") in ("error", "critical", "fatal") else ""


def _log(line: str) -> dict[str, object]:
    if not line.startswith("{"):
        return {}
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def parse_copy(lines: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of each file as it is on the remote, read back."""
    sizes: dict[str, int] = {}
    sums: dict[str, str] = {}
    for line in lines:
        match line.split(maxsplit=2):
            case ["size", count, name] if count.isdigit():
                sizes[name] = int(count)
            case ["sha256", digest, name]:
                sums[name] = digest
    return {name: (sizes[name], sums[name]) for name in sizes if name in sums}
