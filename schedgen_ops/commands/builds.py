"""What of a resolved compose file a build on another machine takes, and where that finds it. Pure."""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schedgen_ops.commands.docker import Docker
from schedgen_ops.shell import Command, sh

_SERVICE = "service:"
_ASKED = "secrets"


class NotMovable(ValueError):
    """A build that takes what only the host has; its text says what."""


@dataclass(frozen=True, slots=True)
class Code:
    """Where a commit's files are, on the host and here.

    Attributes:
        directory: the project's on the host.
        prefix: where that is in its repository: "" for all of it, else PATH/.
        tree: the folder here that has the repository's files.
    """

    directory: str
    prefix: str
    tree: str

    def here(self, path: str) -> str:
        """Return where an absolute path of the host is in the tree, "" where it is in none."""
        within = posixpath.relpath(path, posixpath.normpath(self.directory))
        inside = posixpath.normpath(posixpath.join(self.prefix, within))
        if inside == ".." or inside.startswith("../"):
            return ""
        return posixpath.normpath(posixpath.join(self.tree, inside))


@dataclass(frozen=True, slots=True)
class Moved:
    """The builds of some services, for another machine.

    Attributes:
        document: a compose file with nothing but them.
        files: the secrets that they read from a file, and the path of that on the host.
        variables: those that they read from a variable, and its name on the host.
    """

    document: Mapping[str, Any]
    files: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def moved(
    document: Mapping[str, Any], images: Mapping[str, str], code: Code, secrets: str, platform: str = ""
) -> Moved:
    """Return the builds of services as another machine can make them.

    Args:
        document: the compose file as the host's Compose resolved it.
        images: the services to build, and the name that each image gets.
        secrets: the folder here that has a file for each secret of a build.
        platform: what they are built for, where that is not the machine's own; a service's own word wins.

    Raises:
        NotMovable: where one of them takes what is not in the repository.
    """
    known = document.get("services") or {}
    services: dict[str, Any] = {}
    for name in _with_those_they_begin_with(known, images):
        body: dict[str, Any] = {"build": _build(name, known[name]["build"], code)}
        if name in images:
            body["image"] = images[name]
        if own := known[name].get("platform") or platform:
            body["platform"] = own
        services[name] = body
    used = {_source(each) for body in services.values() for each in body["build"].get("secrets") or ()}
    told = {name: (document.get("secrets") or {}).get(name) or {} for name in sorted(used)}
    files = {name: said["file"] for name, said in told.items() if said.get("file")}
    variables = {name: said["environment"] for name, said in told.items() if said.get("environment")}
    if odd := sorted(told.keys() - files.keys() - variables.keys()):
        raise NotMovable(f"the build's secret {odd[0]} is neither a file nor a variable")
    whole: dict[str, Any] = {"services": services}
    if told:
        whole["secrets"] = {name: {"file": f"{secrets}/{number}"} for number, name in enumerate(told)}
    return Moved(whole, files, variables)


def places(moved: Moved) -> Mapping[str, str]:
    """Return where the document finds each secret: a path here."""
    return {name: said["file"] for name, said in moved.document.get("secrets", {}).items()}


def _with_those_they_begin_with(known: Mapping[str, Any], names: Iterable[str]) -> list[str]:
    """The services, and those whose images their builds name as contexts."""
    found: list[str] = []
    todo = sorted(names)
    while todo:
        name = todo.pop(0)
        if name in found or not (known.get(name) or {}).get("build"):
            continue
        found.append(name)
        contexts = (known[name]["build"].get("additional_contexts") or {}).values()
        todo += [each.removeprefix(_SERVICE) for each in contexts if each.startswith(_SERVICE)]
    return found


def _build(name: str, build: Mapping[str, Any], code: Code) -> dict[str, Any]:
    made = dict(build)
    made["context"] = _moved(name, build.get("context") or code.directory, code)
    if str(build.get("dockerfile") or "").startswith("/"):
        made["dockerfile"] = _moved(name, build["dockerfile"], code)
    if contexts := build.get("additional_contexts"):
        made["additional_contexts"] = {key: _moved(name, value, code) for key, value in contexts.items()}
    # What has no value there has none: a variable of this machine is not meant.
    made["args"] = {key: value for key, value in (build.get("args") or {}).items() if value is not None}
    for each in build.get("ssh") or ():
        if "=" in each:
            raise NotMovable(f"{name} is built with a key of the host's ({each})")
    return made


def _moved(name: str, path: str, code: Code) -> str:
    """Where a path is here; what is no path of the host, as a URL, is the same everywhere."""
    if not path.startswith("/"):
        return path
    if here := code.here(path):
        return here
    raise NotMovable(f"{name} is built from {path}, which is not in the repository")


def _source(secret: Any) -> str:
    return str(secret.get("source") if isinstance(secret, Mapping) else secret)


def hindrance(document: Mapping[str, Any], names: Iterable[str], directory: str, prefix: str) -> str:
    """Return why another machine cannot build services, "" where it can; see `moved`."""
    try:
        moved(document, {name: name for name in names}, Code(directory, prefix, "/"), "/")
    except NotMovable as error:
        return str(error)
    return ""


def ask(docker: Docker, folder: str, variables: Mapping[str, str]) -> Command:
    """Tells the values of variables as Compose has them for a build of the release.

    Args:
        folder: the release's, with the env file.
        variables: their names, each behind what it is asked for.
    """
    labels = {name: f"${{{variable}?a build's secret}}" for name, variable in variables.items()}
    model = json.dumps({"services": {_ASKED: {"image": _ASKED, "labels": labels}}})
    words = (*docker.words, "compose", "--project-name", _ASKED, "-f", "-", "config", "--format", "json")
    return sh(*words).in_dir(folder).with_stdin(model).named("read the build's secrets").kept_private()


def parse_asked(stdout: str, variables: Mapping[str, str]) -> dict[str, str]:
    """Reads the answer of `ask`: each value by what it was asked for.

    Raises:
        ValueError: where it says something else.
    """
    labels = json.loads(stdout)["services"][_ASKED].get("labels") or {}
    # What is printed can be read as a compose file again, where a dollar is two.
    return {name: str(labels[name]).replace("$$", "$") for name in variables}
