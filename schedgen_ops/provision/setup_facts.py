"""What a host has of what its project needs: the command that asks, and the reader of its answer. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from schedgen_ops.host_scripts import host_script
from schedgen_ops.provision import answer
from schedgen_ops.provision.facts import BETTER, TOOLS
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command


@dataclass(frozen=True, slots=True)
class SetupFacts:
    """A host as it was found before its set-up.

    Attributes:
        user: who is logged in.
        root: whether that is root, or may become it without a password.
        system: the distribution's ID of os-release.
        missing: programs that are not there.
        engine: Docker Engine's version, "" where it does not answer.
        engine_error: why it does not; "none" where there is none.
        compose: the Compose plugin's version, "" for none.
        account: who deploys.
        groups: the groups of that account; None where nobody has the name.
        account_root: whether that account is root.
        keys: the file of the keys that let in whoever is logged in, "" for none.
        directory: the project's: missing, empty, begun, taken, "no folder" or clone.
        owner: whose the directory is, "" where it is not there.
        composed: whether a compose file is there.
        env: whether the env file is there.
        free: KiB that are free where the project is or will be.
    """

    user: str
    root: bool
    system: str
    missing: tuple[str, ...]
    engine: str
    engine_error: str
    compose: str
    account: str
    groups: tuple[str, ...] | None
    account_root: bool
    keys: str
    directory: str
    owner: str
    composed: bool
    env: bool
    free: int | None


def ask(settings: Settings, account: str) -> Command:
    """Return the command that asks a host what it lacks.

    Args:
        account: who deploys, "" for whoever is logged in.
    """
    return host_script(
        "provision/look",
        title="look at what the host lacks",
        account=account,
        directory=settings.directory,
        env_file=settings.env_file,
        files=settings.compose_files,
        tools=[tool for tool in (*TOOLS, *BETTER) if settings.from_git or tool != "git"],
    )


def parse(stdout: str) -> SetupFacts:
    """Read the answer of `ask`.

    Raises:
        ValueError: where it says something else, or not all of it.
    """
    return answer.read(stdout, _facts)


def _facts(said: Mapping[str, str]) -> SetupFacts:
    known = "account-uid" in said
    return SetupFacts(
        user=said["user"],
        root=said["root"] == "yes",
        system=said["os"],
        missing=tuple(said["missing"].split()),
        engine=said.get("engine", ""),
        engine_error=said.get("engine-error", ""),
        compose=said.get("compose", ""),
        account=said["account"],
        groups=tuple(said["groups"].split()) if known else None,
        account_root=said.get("account-uid") == "0",
        keys=said["keys"],
        directory=said["directory"],
        owner=said.get("owner", ""),
        composed="compose-file" in said,
        env=said.get("env") == "there",
        free=answer.free(said),
    )
