"""What the host itself answers, judged: its engine, its folders, its load, what runs. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator

from schedgen_ops import strangers
from schedgen_ops.command_errors import lacks_compose
from schedgen_ops.commands import disks, docker, environment, files
from schedgen_ops.commands.owners import parse_strangers
from schedgen_ops.preflight.probe import Judge, Problem, reason, unknown
from schedgen_ops.remote import Result
from schedgen_ops.settings import HostSettings, Settings

GIB = 1024**3


def docker_answers(settings: Settings) -> Judge:
    """Find whether the Docker Engine answers this user."""

    def look(result: Result) -> Iterator[Problem]:
        if result.ok:
            return
        said = reason(result)
        if "permission denied" in said.lower():
            yield Problem(
                "Docker refuses this user",
                "Add the user to the group docker; or set `sudo: true`, if it needs no password for sudo.",
            )
        elif settings.sudo and "password" in said:
            yield Problem("sudo asks for a password", "Allow `sudo -n docker` for this user in sudoers.")
        else:
            yield Problem(f"Docker does not answer: {said}", docker.ENGINE_HINT)

    return look


# The first with `!reset`, which takes a published port from a service; and the oldest that was tried.
_NEEDED, _TRIED = (2, 18), (2, 26)
_VERSION = re.compile(r"v?(\d+)\.(\d+)")


def plugin(result: Result) -> Iterator[Problem]:
    """Find whether Compose is there, and new enough."""
    if lacks_compose(result):
        yield Problem("the Docker Compose plugin is missing", _INSTALL)
        return
    if not result.ok:
        yield Problem(f"the Docker Compose plugin does not answer: {reason(result)}", _INSTALL)
        return
    match = _VERSION.match(result.text)
    version = (int(match[1]), int(match[2])) if match else None
    needed, tried = (".".join(map(str, pair)) for pair in (_NEEDED, _TRIED))
    if version is None:
        text = f"the version of Docker Compose is not known: it says {result.text!r}, and {needed} is needed"
        yield Problem(text, refuses=False, unknown=True)
    elif version < _NEEDED:
        yield Problem(f"Docker Compose is {result.text}, and {needed} is needed", _INSTALL)
    elif version < _TRIED:
        text = f"Docker Compose is {result.text}; the oldest that was tried is {tried}"
        yield Problem(text, refuses=False)


_INSTALL = "Install the package docker-compose-plugin, or a newer one of it."


def expected(settings: Settings) -> tuple[str, ...]:
    """Return the credentials that a host must have: those that are delivered come with the release."""
    return tuple(name for name in settings.credentials if name not in settings.delivered)


def credentials(settings: Settings) -> Judge:
    """Find credentials that have no value, as Compose reads them."""
    file = settings.env_file

    def look(result: Result) -> Iterator[Problem]:
        if not expected(settings) or lacks_compose(result):
            return
        if not result.ok:
            yield Problem(f"{file} cannot be read: {reason(result)}")
            return
        found = environment.parse_variables(result.stdout)
        if found.refused:
            hint = f"What it says can hold values: `inv run -- docker compose --env-file {file} config`."
            yield Problem(f"Compose does not take {file}: {found.refused}", hint)
            return
        yield from _missing(settings, found)

    return look


def _missing(settings: Settings, found: environment.Variables) -> Iterator[Problem]:
    file, where = settings.env_file, f"{settings.directory}/{settings.env_file}"
    wanted = expected(settings)
    missing = [name for name in wanted if name not in found.here]
    emptied = [name for name in missing if name in found.alone]
    unset = [name for name in missing if name not in found.alone]
    shell = "the shell's own environment on the host"
    if unset:
        yield Problem(f"{file} does not set {', '.join(unset)}", f"Set them in {where}.")
    if emptied:
        text = f"{shell} has {', '.join(emptied)} empty, which goes before {file}"
        yield Problem(text, "Take it from what the shell reads when it starts.")
    only = [name for name in wanted if name in found.here - found.alone]
    if only:
        text = f"{', '.join(only)}: set in {shell} and not in {file}; another user's Compose will not see it"
        yield Problem(text, refuses=False)
    both = [name for name in wanted if name in found.here & found.alone & found.own]
    if both and not settings.sudo:
        text = f"{', '.join(both)}: set in {shell} too, which goes before {file}"
        yield Problem(text, refuses=False)


def writable(path: str) -> Judge:
    """Find what has to be written and cannot be."""

    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(f"{path} is not writable", f"Look at its owner and mode: ls -ld {path}")

    return look


_KINDS = {
    "project": "the project's",
    "docker": "Docker's own",
    "images": "that of Docker's images",
    "tmp": "that of temporary files",
}
# Compose and git write a little there; what is built is elsewhere.
_TMP_NEEDED = 0.05


def disk(settings: Settings) -> Judge:
    """Find file systems that a release fills and that have too little room."""
    limit = settings.limits.disk_free_gb

    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(f"free disk space is not known: {reason(result)}", unknown=True)
            return
        spaces = disks.parse_spaces(result.stdout)
        for space in spaces.found:
            free, needed = space.free / GIB, _TMP_NEEDED if space.kind == "tmp" else limit
            if free < needed:
                where = f"{_KINDS[space.kind]}, {space.path}"
                yield Problem(
                    f"{free:.1f} GB of disk are free, {needed:g} GB are needed ({where})",
                    _FREE,
                    refuses=space.kind != "tmp",
                )
        for path in spaces.unknown:
            text = f"free disk space is not known of {path}, where Docker keeps its own"
            yield Problem(text, refuses=False, unknown=True)
        if not spaces.docker:
            text = "free disk space is not known of Docker's own folder: Docker does not say which it is"
            yield Problem(text, refuses=False, unknown=True)

    return look


_FREE = (
    "Free some space: `inv ops.prune` removes what nobody uses, and shows it first; "
    "`inv backup.prune` removes old backups."
)


NO_CURL = "there is no curl: the host cannot tell the team by itself"


def curl(result: Result) -> Iterator[Problem]:
    """Find whether the host can tell the team by itself."""
    if not result.ok:
        yield Problem(NO_CURL, "Install curl, or leave out `notify.host_webhook`.", refuses=False)


def load(settings: Settings) -> Judge:
    """Find whether the host is busy."""

    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield unknown("the load", result)
            return
        load, limits = files.parse_load(result.stdout), settings.limits
        if load.memory_percent > limits.memory_percent:
            text = f"memory is {load.memory_percent:g} % in use (limit {limits.memory_percent:g} %)"
            yield Problem(text, refuses=False)
        if load.cpu_percent > limits.cpu_percent:
            text = f"the CPU load is {load.cpu_percent:g} % (limit {limits.cpu_percent:g} %)"
            yield Problem(text, refuses=False, passing=True)

    return look


def owners(settings: Settings) -> Judge:
    """Find containers of another work tree under the project's name."""

    def judge(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(f"whose containers there are is not known: {reason(result)}", unknown=True)
        elif found := parse_strangers(result.stdout):
            yield Problem(*strangers.problem(settings, found))

    return judge


def namesakes(settings: Settings) -> Judge:
    """Find what runs from the directory under another name, where nothing does under the project's."""

    def judge(result: Result) -> Iterator[Problem]:
        if not result.ok:
            text = f"what else runs from {settings.directory} is not known: {reason(result)}"
            yield Problem(text, unknown=True)
        elif others := sorted({*result.lines()} - {settings.project, ""}):
            yield Problem(
                f"no container of the project {settings.project!r} is here, and {settings.directory} has "
                f"those of {', '.join(map(repr, others))}",
                "Say so in `project`, if that is what is to be deployed; else stop it, or move it.",
            )

    return judge


def database(settings: Settings, host: HostSettings, *, refuses: bool = True) -> Judge:
    """Find whether what a backup is made of runs; that `refuses` only where one is made."""
    stored = [part.service for part in (settings.database, settings.objects) if part]
    needed = [service for service in stored if host in settings.backup_hosts() and host.runs(service)]

    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            # A host of which nothing is known is no empty one.
            yield Problem(f"the project's containers are not known: {reason(result)}", unknown=True)
            return
        containers = docker.parse_containers(result.stdout)
        running = {container.service for container in containers if container.status == "running"}
        for service in needed:
            if service not in running:
                yield Problem(
                    f"the service {service} of the project {settings.project!r} is not running, "
                    "so there is nothing to back up",
                    f"`inv ops.start {service}` starts it. If it runs, `project` names another one.",
                    refuses=refuses,
                )

    return look
