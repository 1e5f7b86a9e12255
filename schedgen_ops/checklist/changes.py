"""What lies between the release that serves and the one to come, as a host tells it. Pure."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from schedgen_ops.commands import docker as engine
from schedgen_ops.commands import git
from schedgen_ops.commands.own_files import Tracked, parse_tracked
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.host_scripts import host_script
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command, Value

# As Compose says it, with or without its own quotes and time stamps around it.
_BLANK = re.compile(r'[Tt]he \\?"([A-Za-z_]\w*)\\?" variable is not set')
_REQUIRED = re.compile(r"required variable ([A-Za-z_]\w*) is missing a value")


@dataclass(frozen=True, slots=True)
class Coming:
    """A release to come, compared with the one that serves.

    Attributes:
        commit: its full id; "missing" or "ambiguous" where the ref is; "" where releases are images.
        tag: that of the images where releases are images.
        place: where the project is in its repository, "" for all of it, else PATH/.
        files: "A<tab>path" each, as paths in the repository: added, modified or deleted.
        migrations: the paths of new ones.
        blank: variables that its compose file asks for and nothing sets: they are blank.
        required: variables without which Compose refuses it.
        document: its compose file, resolved; None where Compose did not take it.
        said: why Compose did not.
        images: those that it names, and those that run, as far as they are on the host.
        tracked: what git and the host tell of the paths that services mount.
    """

    commit: str
    commits: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    migrations: tuple[str, ...] = ()
    blank: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    hashes: str = ""
    document: str | None = None
    said: str = ""
    place: str = ""
    images: tuple[engine.Image, ...] = ()
    tracked: Tracked = field(default_factory=Tracked)
    tag: str = ""


def command(settings: Settings, ref: Ref, old: str = "", *, hashed: bool = True) -> Command:
    """Return the command that compares what `ref` is now with `old`; it changes nothing.

    Args:
        old: a commit; "" for that of the release that serves.
        hashed: whether Compose's hash of each service is told too.
    """
    return host_script(
        "deploy/look",
        title=f"look at {ref}",
        remote=settings.remote,
        ref=ref.name,
        old=old,
        state=Paths(settings.directory).state,
        migrations=settings.migrations.path if settings.migrations else "",
        files=settings.compose_files,
        env=settings.env_file,
        **compared(settings, hashed=hashed),
    ).kept_private()


def compared(settings: Settings, *, hashed: bool) -> dict[str, Value]:
    """Return what a script is given that compares a definition to come, see lib/coming.bash."""
    compose = compose_of(settings)
    return {
        "compose": (*compose.program, *compose.choices(settings.directory)),
        "docker": compose.docker.words,
        "project": settings.project,
        "image": engine.IMAGE,
        "directory": settings.directory,
        "hashed": "yes" if hashed else "",
    }


def parse(answer: Result) -> Coming:
    """Read the answer of `command`, also where Compose did not take the new file.

    Raises:
        ValueError: for anything else.
    """
    head, _, rest = answer.stdout.partition("\n")
    commit, _, place = head.partition(" ")
    if not git.is_commit(commit):
        return Coming(commit)
    blank, required = said_of_variables(answer)
    count = 7 if answer.ok else 4
    commits, names, added, *defined = git.sections(rest, count)
    hashes, images, tracked, document = defined if answer.ok else ("", "", "", None)
    return Coming(
        commit,
        tuple(filter(None, commits.split("\n"))),
        _changed(names),
        git.parse_paths(added),
        blank,
        required,
        hashes,
        document,
        "" if answer.ok else refused(answer),
        place,
        engine.parse_images(images),
        replace(parse_tracked(tracked.strip("\n")), place=place),
    )


def said_of_variables(answer: Result) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the variables that Compose takes for blank, and those without which it refuses."""
    required = tuple(dict.fromkeys(_REQUIRED.findall(answer.stderr)))
    blank = dict.fromkeys(_BLANK.findall(answer.stderr))
    return tuple(name for name in blank if name not in required), required


def refused(answer: Result) -> str:
    """Return why Compose did not take a file."""
    return (answer.stderr.strip().splitlines() or [f"exit code {answer.code}"])[-1]


def _changed(names: str) -> tuple[str, ...]:
    lines = (line.partition("\t") for line in names.split("\n") if line)
    return tuple(f"{kind}\t{git.unquoted(path)}" for kind, _, path in lines)


def paths(coming: Coming) -> tuple[str, ...]:
    """Return the files that differ, as paths from the project's directory."""
    found = (line.split("\t", 1)[-1] for line in coming.files)
    return tuple(posixpath.relpath(path, coming.place) if coming.place else path for path in found)


def differences(before: str, now: str) -> Iterator[str]:
    """Find what two resolved compose files say differently: names, and never values.

    Args:
        before, now: JSON, as `docker compose config` writes it.

    Raises:
        ValueError: where one is no such document.
    """
    old, new = (_services(text) for text in (before, now))
    yield from (f"{name}: a new service" for name in sorted(new.keys() - old.keys()))
    yield from (f"{name}: no more a service" for name in sorted(old.keys() - new.keys()))
    for name in sorted(old.keys() & new.keys()):
        parts = [*_named(old[name], new[name])]
        if parts:
            yield f"{name}: {', '.join(parts)}"


def _services(text: str) -> Mapping[str, Mapping[str, Any]]:
    document = json.loads(text)
    services = document.get("services") if isinstance(document, dict) else None
    if not isinstance(services, dict) or not all(isinstance(each, dict) for each in services.values()):
        raise ValueError("no resolved compose file")
    return services


def _named(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted({*old, *new}):
        before, now = old.get(key), new.get(key)
        if before == now:
            continue
        if key == "environment" and isinstance(before or {}, dict) and isinstance(now or {}, dict):
            yield from _variables(before or {}, now or {})
        else:
            yield key


def _variables(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    for name in sorted({*old, *new}):
        if name not in old:
            yield f"{name} (new)"
        elif name not in new:
            yield f"{name} (gone)"
        elif old[name] != new[name]:
            yield f"{name} (another value)"
