"""What a host is and has: the command that asks, and the reader of its answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from schedgen_ops.backup.catalog import host_time
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script
from schedgen_ops.provision import answer
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

TOOLS = ("awk", "flock", "git", "gzip", "sed", "sha256sum", "stat", "tar", "timeout")
"""The programs that scripts on a host use; bash has to be there to tell."""

BETTER = ("curl",)
"""What is used where it is there, and done without where it is not."""


@dataclass(frozen=True, slots=True)
class Facts:
    """A host as it was found.

    Attributes:
        sudo: whether it is root, or may become it without a password.
        system: the distribution's ID of os-release; `system_name` is what it calls itself.
        clock: the host's time, in UTC.
        missing: those of TOOLS and BETTER that are not there.
        engine: Docker Engine's version, "" where it does not answer.
        engine_error: why it does not; "none" where there is none.
        compose: the plugin's version, and why there is none.
        directory: there, missing, closed (no right to work in it) or "no folder".
        top: the top of the work tree that the directory is in, "" for none; `clone_error` is what git said.
        env: the env file's mode, in octal; missing, unreadable, or "" where the directory is not open.
        free: KiB that are free where the project is or will be.
    """

    user: str
    root: bool
    groups: tuple[str, ...]
    sudo: bool
    system: str
    system_name: str
    machine: str
    clock: datetime
    missing: tuple[str, ...]
    engine: str
    engine_error: str
    compose: str
    compose_error: str
    directory: str
    top: str
    clone_error: str
    env: str
    free: int | None


def ask(settings: Settings) -> Command:
    """Return the command that asks a host what it is and has."""
    return host_script(
        "hosts/look",
        title="look at the host",
        docker=Docker(settings.sudo).words,
        directory=settings.directory,
        env_file=settings.env_file,
        tools=(*TOOLS, *BETTER),
    )


def parse(stdout: str) -> Facts:
    """Read the answer of `ask`.

    Raises:
        ValueError: where it says something else, or not all of it.
    """
    return answer.read(stdout, _facts)


def _facts(said: Mapping[str, str]) -> Facts:
    return Facts(
        user=said["user"],
        root=said["uid"] == "0",
        groups=tuple(said["groups"].split()),
        sudo=said["sudo"] == "yes",
        system=said["os"],
        system_name=said["os-name"] or said["os"] or "unknown",
        machine=said["machine"],
        clock=host_time.parse(said["clock"]),
        missing=tuple(said["missing"].split()),
        engine=said.get("engine", ""),
        engine_error=said.get("engine-error", ""),
        compose=said.get("compose", ""),
        compose_error=said.get("compose-error", ""),
        directory=said["directory"],
        top=said.get("clone", ""),
        clone_error=said.get("clone-error", ""),
        env=said.get("env", ""),
        free=answer.free(said),
    )
