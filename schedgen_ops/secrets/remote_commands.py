"""The env file of a host delivered, put back and compared. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from schedgen_ops.commands.compose import Compose
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.secrets.env_file import EnvFile
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

_LINE = re.compile(r"([A-Za-z_][A-Za-z0-9_]*) ([0-9a-f]{64})\Z")
_SALT = re.compile(r"salt ([0-9a-f]{64})\Z")
_STATES = ("absent", "ours", "edited", "foreign")


@dataclass(frozen=True, slots=True)
class Held:
    """The env file of a host, without its values.

    Attributes:
        state: absent; ours, as it was delivered last; edited since; foreign, which nobody delivered.
        digests: what tells each value apart, under the answer's own salt.
        refused: whether Compose does not take the file, so that nothing is known of its values.
    """

    state: str
    digests: Mapping[str, str] = field(default_factory=dict)
    refused: bool = False
    salt: str = ""


def path(settings: Settings) -> str:
    """Return the env file's absolute path on a host."""
    return str(PurePosixPath(settings.directory) / settings.env_file)


def _place(settings: Settings) -> dict[str, str]:
    return {"file": path(settings), "state": Paths(settings.directory).state}


def deliver(
    settings: Settings, env: EnvFile, release: ReleaseId | None = None, serving: ReleaseId | None = None
) -> Command:
    """Make `env` the project's env file.

    Args:
        release: the release that is begun and keeps it, None outside of a deploy.
        serving: the release that serves, which keeps what was there, if it has no file of its own.
    """
    paths, text = Paths(settings.directory), env.text.encode()
    return host_script(
        "secrets/deliver",
        title=f"deliver {settings.env_file}",
        size=len(text),
        release=paths.release(release) if release else "",
        serving=paths.release(serving) if serving else "",
        **_place(settings),
    ).with_stdin(text)


def use(settings: Settings, release: ReleaseId, source: ReleaseId) -> Command:
    """Make the env file of the release `source` that of `release`, which goes back to it."""
    paths = Paths(settings.directory)
    return host_script(
        "secrets/use",
        title=f"put {settings.env_file} of {source} back",
        release=paths.release(release),
        source=paths.release(source),
        **_place(settings),
    )


def back(settings: Settings, releases: Iterable[ReleaseId]) -> Command:
    """Put the env file back that `releases` found, the last one first."""
    folders = [Paths(settings.directory).release(each) for each in releases]
    title = f"put {settings.env_file} back"
    return host_script("secrets/back", title=title, releases=folders, **_place(settings))


def look(settings: Settings) -> Command:
    """Tell of each variable a digest of its value as Compose reads it; no value leaves the host."""
    compose = Compose(Docker(settings.sudo), settings.project, settings.directory)
    title = f"compare {settings.env_file}"
    command = host_script("secrets/look", title=title, compose=compose.program, **_place(settings))
    return command.kept_private()


def parse_held(stdout: str) -> Held:
    """Read the answer of `look`.

    Raises:
        ValueError: where it says something else.
    """
    state, *lines = stdout.splitlines() or [""]
    if state not in _STATES:
        raise ValueError("the host said nothing of its env file")
    if not lines:
        return Held(state)
    salt = _SALT.match(lines.pop(0))
    if salt and lines == ["refused"]:
        return Held(state, refused=True)
    found = [_LINE.match(line) for line in lines]
    if salt is None or not all(found):
        raise ValueError("the host said something else of its env file")
    return Held(state, {match[1]: match[2] for match in found if match}, salt=salt[1])
