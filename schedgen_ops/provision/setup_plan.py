"""What is to be done on a host so that its project can be deployed there, from what it lacks. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from schedgen_ops.errors import Refused
from schedgen_ops.provision.facts import BETTER
from schedgen_ops.provision.setup_facts import SetupFacts
from schedgen_ops.settings import Settings

SYSTEMS = ("debian", "ubuntu")
"""The distributions whose packages are known, by their ID of os-release."""

_PACKAGES = {"awk": "mawk", "flock": "util-linux", "sha256sum": "coreutils", "stat": "coreutils"}
_PACKAGES |= {"timeout": "coreutils"}


class Kind(Enum):
    """One thing that is done; those up to DIRECTORY as root, the others as who deploys."""

    PACKAGES = "packages"
    ENGINE = "engine"
    ACCOUNT = "account"
    DIRECTORY = "directory"
    CLONE = "clone"
    FILES = "files"
    ENV = "env"

    @property
    def as_root(self) -> bool:
        """Whether only root can do it."""
        return self not in (Kind.CLONE, Kind.FILES, Kind.ENV)


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that is done on a host, and what the operator reads of it."""

    kind: Kind
    text: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a host gets its project from.

    Attributes:
        repository: what it is cloned from, "" for no clone.
        files: how many files are brought instead.
        folder: where they are on this machine, "" for none.
    """

    repository: str = ""
    files: int = 0
    folder: str = ""


def plan(settings: Settings, facts: SetupFacts, source: Source, host: str) -> tuple[Action, ...]:
    """Return what a host lacks, in the order in which it is done; nothing where it lacks nothing.

    Args:
        host: its name, for messages.

    Raises:
        Refused: where it cannot be done, or would touch what somebody else put there.
    """
    actions = tuple(_actions(settings, facts, source))
    _possible(settings, facts, source, actions, host)
    return actions


def _has_project(settings: Settings, facts: SetupFacts) -> bool:
    """Whether the project is there: a clone, or where releases are images its compose file."""
    return facts.directory == "clone" or (not settings.from_git and facts.composed)


def packages(facts: SetupFacts) -> tuple[str, ...]:
    """Return the packages that have the programs which are missing."""
    named = [_PACKAGES.get(tool, tool) for tool in facts.missing]
    # Without these nothing is fetched over TLS.
    return tuple(dict.fromkeys((*named, "ca-certificates") if set(facts.missing) & {*BETTER} else named))


def no_engine(facts: SetupFacts) -> bool:
    """Return whether Docker Engine is to be installed."""
    return facts.engine_error == "none"


def _actions(settings: Settings, facts: SetupFacts, source: Source) -> Iterator[Action]:
    wanted = [*packages(facts)]
    wanted += ["Docker Engine"] * no_engine(facts) + ["Docker Compose"] * (not facts.compose)
    if wanted:
        yield Action(Kind.PACKAGES, f"install {', '.join(wanted)}")
    if not facts.engine:
        yield Action(Kind.ENGINE, "start Docker Engine, now and at boot")
    in_group = facts.account_root or settings.sudo or "docker" in (facts.groups or ())
    if facts.groups is None:
        yield Action(
            Kind.ACCOUNT, f"make the user {facts.account}, in the group docker, with {facts.user}'s keys"
        )
    elif not in_group:
        yield Action(Kind.ACCOUNT, f"put {facts.account} into the group docker")
    if facts.directory == "missing":
        yield Action(Kind.DIRECTORY, f"make {settings.directory}, owned by {facts.account}")
    elif facts.directory == "empty" and facts.owner != facts.account:
        yield Action(Kind.DIRECTORY, f"give {settings.directory}, which is empty, to {facts.account}")
    if _has_project(settings, facts):
        pass
    elif source.folder:
        yield Action(Kind.FILES, f"bring the {source.files} files of {source.folder} to {settings.directory}")
    else:
        yield Action(Kind.CLONE, f"clone {source.repository} to {settings.directory}")
    if not facts.env and settings.delivered:
        yield Action(Kind.ENV, f"deliver {settings.env_file}")


def _possible(
    settings: Settings, facts: SetupFacts, source: Source, actions: tuple[Action, ...], host: str
) -> None:
    where, kinds = settings.directory, {action.kind for action in actions}
    if facts.directory in ("taken", "no folder") and not _has_project(settings, facts):
        other = "is no clone" if settings.from_git else "has no compose file"
        what = "is no folder" if facts.directory == "no folder" else f"holds other things and {other}"
        hint = f"Move it away, or correct `directory` in config/{settings.environment}.yaml."
        raise Refused(f"{where} {what}; nothing was changed", hint=hint, host=host)
    if (facts.directory == "begun" or _has_project(settings, facts)) and facts.owner != facts.account:
        hint = "Deploy as its owner (`user` in the config), or give it away on the host."
        raise Refused(f"{where} is {facts.owner}'s, not {facts.account}'s", hint=hint, host=host)
    if Kind.CLONE in kinds and not source.repository:
        what = "clone" if settings.from_git else "compose file"
        hint = "Say from where: --repository URL" + ("." if settings.from_git else ", or --files FOLDER.")
        raise Refused(f"there is no {what} in {where}", hint=hint, host=host)
    _by_root(facts, tuple(action for action in actions if action.kind.as_root), host)
    if Kind.PACKAGES in kinds and facts.system not in SYSTEMS:
        hint = (
            f"Install by hand, then again: {', '.join((*facts.missing, 'Docker Engine', 'Docker Compose'))}."
        )
        known = " and ".join(SYSTEMS)
        text = f"packages are known of {known}, not of {facts.system or 'an unknown system'}"
        raise Refused(text, hint=hint, host=host)
    gib = None if facts.free is None else facts.free / 1024**2
    if actions and gib is not None and gib < settings.limits.disk_free_gb:
        text = f"{gib:.1f} GB are free, {settings.limits.disk_free_gb:g} GB are needed; nothing was changed"
        raise Refused(text, host=host)


def _by_root(facts: SetupFacts, actions: tuple[Action, ...], host: str) -> None:
    if actions and not facts.root:
        raise Refused(
            f"{facts.user} may not {actions[0].text}: it is not root, and has no sudo without a password",
            hint="Log in as somebody who may: --login root. Or allow it on the host, as root:\n"
            f"  echo '{facts.user} ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/{facts.user}",
            host=host,
        )
    if facts.groups is None and not facts.keys:
        text = f"{facts.account} would have no keys: {facts.user} has no ~/.ssh/authorized_keys"
        raise Refused(text, hint="Put your public key there first.", host=host)
