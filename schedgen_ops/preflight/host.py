"""What the host itself answers, judged: its engine, its folders, its load, what runs. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops.commands import docker as engine
from schedgen_ops.commands import files
from schedgen_ops.preflight.probe import Judge, Problem, reason, unknown
from schedgen_ops.release import store
from schedgen_ops.remote import Result
from schedgen_ops.settings import HostSettings, Settings

GIB = 1024**3


def docker(settings: Settings) -> Judge:
    """The engine answers this user."""

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
            yield Problem(f"Docker does not answer: {said}", "Look at `systemctl status docker`.")

    return look


def plugin(result: Result) -> Iterator[Problem]:
    """Compose is there."""
    if not result.ok:
        yield Problem(
            f"the Docker Compose plugin does not answer: {reason(result)}",
            "Install the package docker-compose-plugin.",
        )


def credentials(settings: Settings) -> Judge:
    """Every credential has a value."""

    def look(result: Result) -> Iterator[Problem]:
        if not settings.credentials:
            return
        if not result.ok:
            yield Problem(f"{settings.env_file} cannot be read: {reason(result)}")
            return
        names = files.parse_names_set(result.stdout)
        missing = [name for name in settings.credentials if name not in names]
        if missing:
            text = f"{settings.env_file} does not set {', '.join(missing)}"
            yield Problem(text, f"Set them in {settings.directory}/{settings.env_file}.")

    return look


def writable(path: str) -> Judge:
    """What has to be written can be."""

    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(f"{path} is not writable", f"Look at its owner and mode: ls -ld {path}")

    return look


def disk(settings: Settings) -> Judge:
    """There is room."""

    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(f"free disk space is not known: {reason(result)}")
            return
        free = files.parse_disk(settings.directory, result.stdout).free / GIB
        if free < settings.limits.disk_free_gb:
            yield Problem(
                f"{free:.1f} GB of disk are free, {settings.limits.disk_free_gb:g} GB are needed",
                "Free some space: `docker system df` tells what Docker holds. Old backups are in backups/.",
            )

    return look


def load(settings: Settings) -> Judge:
    """The host is not busy."""

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
            yield Problem(text, refuses=False)

    return look


def database(settings: Settings, host: HostSettings) -> Judge:
    """What a backup is made of runs."""

    stored = [part.service for part in (settings.database, settings.objects) if part]
    needed = [service for service in stored if host in settings.backup_hosts() and host.runs(service)]

    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            return
        containers = engine.parse_containers(result.stdout)
        running = {container.service for container in containers if container.status == "running"}
        for service in needed:
            if service not in running:
                yield Problem(
                    f"the service {service} of the project {settings.project!r} is not running, "
                    "so there is nothing to back up",
                    f"Start it: `docker compose up -d {service}` in {settings.directory}. "
                    "If it does run, `docker compose ls` tells the project's name.",
                )

    return look


def releases(result: Result) -> Iterator[Problem]:
    """Every record can be read."""
    shelf = store.parse_shelf(result.stdout)
    if shelf.unreadable:
        named = ", ".join(filter(None, shelf.torn))
        text = f"{shelf.unreadable} release records cannot be read and are left alone"
        yield Problem(f"{text}: {named}" if named else text, refuses=False)
