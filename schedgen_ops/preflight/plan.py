"""What preflight looks at, and how it judges what it saw. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from schedgen_ops.commands import docker as engine
from schedgen_ops.commands import files, git
from schedgen_ops.commands.compose import Compose
from schedgen_ops.commands.docker import Docker
from schedgen_ops.release import store
from schedgen_ops.release.paths import FOLDER, Paths
from schedgen_ops.remote import Result
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import Command, sh

GIB = 1024**3
# The exit code of `timeout`.
_TIMED_OUT = 124


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as it should be. A problem that does not refuse is a warning."""

    text: str
    hint: str = ""
    refuses: bool = True


@dataclass(frozen=True, slots=True)
class Observed:
    """A host as preflight found it."""

    tree: git.WorkTree
    containers: tuple[engine.Container, ...]
    shelf: store.Shelf
    classic: bool
    engine: str
    compose: str
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing to look at: a command, and what its answer means."""

    command: Command
    judge: Callable[[Result], Iterator[Problem]]


def probes(settings: Settings, host: HostSettings, branch: str = "") -> dict[str, Probe]:
    """Everything preflight looks at on `host`, in the order in which problems are told.

    Args:
        branch: what will be pulled; "" for nothing.
    """
    docker = Docker(settings.sudo)
    compose = Compose(docker, settings.project, settings.directory)
    paths = Paths(settings.directory)
    where, backups = settings.directory, settings.backup.directory
    ours = (FOLDER,) if backups.startswith("/") else (FOLDER, backups)
    source = {
        "source": Probe(git.advertised(settings.remote, branch).in_dir(where), _source(settings, branch))
    }
    return {
        "directory": Probe(sh("true").in_dir(where), _directory(settings)),
        "tree": Probe(git.work_tree(*ours).in_dir(where), _tree),
        **(source if branch else {}),
        "engine": Probe(docker.version(), _docker(settings)),
        "compose": Probe(compose.version(), _plugin),
        "buildx": Probe(docker.has_buildx(), lambda _: iter(())),
        "credentials": Probe(files.names_set(settings.env_file).in_dir(where), _credentials(settings)),
        "backups": Probe(files.writable(backups).in_dir(where), _writable(backups)),
        "state": Probe(files.writable(paths.state), _writable(paths.state)),
        "disk": Probe(files.disk(where), _disk(settings)),
        "load": Probe(files.load(), _load(settings)),
        "containers": Probe(docker.containers(settings.project), _database(settings, host)),
        "releases": Probe(store.read_command(paths), _releases),
    }


def observed(results: dict[str, Result]) -> Observed:
    """What the answers say; only for a host that no probe refused."""
    return Observed(
        tree=git.parse_work_tree(results["tree"].stdout),
        containers=engine.parse_containers(results["containers"].stdout),
        shelf=store.parse_shelf(results["releases"].stdout),
        classic=not results["buildx"].ok,
        engine=results["engine"].text,
        compose=results["compose"].text,
        free_bytes=files.parse_disk("", results["disk"].stdout).free,
    )


def judge(probes: dict[str, Probe], results: dict[str, Result]) -> tuple[Problem, ...]:
    """All problems. Without the directory the others say nothing new."""
    problems: list[Problem] = []
    for name, probe in probes.items():
        problems += probe.judge(results[name])
        if name == "directory" and problems:
            break
    return tuple(problems)


Judge = Callable[[Result], Iterator[Problem]]


def _reason(result: Result) -> str:
    lines = (result.stderr.strip() or result.stdout.strip()).splitlines()
    return lines[-1] if lines else f"exit code {result.code}"


def _directory(settings: Settings) -> Judge:
    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(
                f"no project directory {settings.directory}",
                f"Clone the project there, or correct `directory` in config/{settings.environment}.yaml.",
            )

    return look


def _tree(result: Result) -> Iterator[Problem]:
    if not result.ok:
        yield Problem(f"git does not answer in the project directory: {_reason(result)}")
        return
    tree = git.parse_work_tree(result.stdout)
    if tree.changed:
        yield Problem(
            "the work tree has changes of its own:\n" + _listed(tree.changed),
            "Commit them, or take them back with `git checkout -- FILE` on the host.",
        )
    if tree.untracked:
        text = "files that git does not know, left as they are:\n" + _listed(tree.untracked)
        yield Problem(text, refuses=False)


def _source(settings: Settings, branch: str) -> Judge:
    remote = settings.remote

    def look(result: Result) -> Iterator[Problem]:
        if result.ok:
            problem = unclear(git.parse_advertised(result.stdout, branch), branch, remote)
            if problem is not None:
                yield problem
            return
        # What git adds below is the same for every cause.
        said = [line for line in result.stderr.splitlines() if line.strip() and "warning" not in line.lower()]
        reason = said[0].strip() if said else f"exit code {result.code}"
        if result.code == _TIMED_OUT:
            reason = "it took too long"
        hint = f"Try it on the host: `git ls-remote {remote}` in {settings.directory}."
        yield Problem(f"the git remote {remote} does not answer: {reason}", hint)

    return look


def unclear(meaning: str, branch: str, remote: str) -> Problem | None:
    """Why `branch` cannot be pulled, where its `meaning`, as git found it, is no commit or two."""
    if meaning == "missing":
        return Problem(
            f"{remote} has no branch, tag or commit {branch!r}",
            f"`git ls-remote {remote}` on the host lists what there is.",
        )
    if meaning == "ambiguous":
        return Problem(
            f"{branch!r} is a branch and a tag, and they differ",
            f"Say which: --branch refs/heads/{branch} or --branch refs/tags/{branch}.",
        )
    return None


def _listed(lines: Sequence[str], most: int = 10) -> str:
    more = [f"  ... and {len(lines) - most} more"] if len(lines) > most else []
    return "\n".join([f"  {line}" for line in lines[:most]] + more)


def _docker(settings: Settings) -> Judge:
    def look(result: Result) -> Iterator[Problem]:
        if result.ok:
            return
        reason = _reason(result)
        if "permission denied" in reason.lower():
            yield Problem(
                "Docker refuses this user",
                "Add the user to the group docker; or set `sudo: true`, if it needs no password for sudo.",
            )
        elif settings.sudo and "password" in reason:
            yield Problem("sudo asks for a password", "Allow `sudo -n docker` for this user in sudoers.")
        else:
            yield Problem(f"Docker does not answer: {reason}", "Look at `systemctl status docker`.")

    return look


def _plugin(result: Result) -> Iterator[Problem]:
    if not result.ok:
        yield Problem(
            f"the Docker Compose plugin does not answer: {_reason(result)}",
            "Install the package docker-compose-plugin.",
        )


def _credentials(settings: Settings) -> Judge:
    def look(result: Result) -> Iterator[Problem]:
        if not settings.credentials:
            return
        if not result.ok:
            yield Problem(f"{settings.env_file} cannot be read: {_reason(result)}")
            return
        names = files.parse_names_set(result.stdout)
        missing = [name for name in settings.credentials if name not in names]
        if missing:
            text = f"{settings.env_file} does not set {', '.join(missing)}"
            yield Problem(text, f"Set them in {settings.directory}/{settings.env_file}.")

    return look


def _writable(path: str) -> Judge:
    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(f"{path} is not writable", f"Look at its owner and mode: ls -ld {path}")

    return look


def _disk(settings: Settings) -> Judge:
    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(f"free disk space is not known: {_reason(result)}")
            return
        free = files.parse_disk(settings.directory, result.stdout).free / GIB
        if free < settings.limits.disk_free_gb:
            yield Problem(
                f"{free:.1f} GB of disk are free, {settings.limits.disk_free_gb:g} GB are needed",
                "Free some space: `docker system df` tells what Docker holds. Old backups are in backups/.",
            )

    return look


def _load(settings: Settings) -> Judge:
    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            return
        load, limits = files.parse_load(result.stdout), settings.limits
        if load.memory_percent > limits.memory_percent:
            text = f"memory is {load.memory_percent:g} % in use (limit {limits.memory_percent:g} %)"
            yield Problem(text, refuses=False)
        if load.cpu_percent > limits.cpu_percent:
            text = f"the CPU load is {load.cpu_percent:g} % (limit {limits.cpu_percent:g} %)"
            yield Problem(text, refuses=False)

    return look


def _database(settings: Settings, host: HostSettings) -> Judge:
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


def _releases(result: Result) -> Iterator[Problem]:
    shelf = store.parse_shelf(result.stdout)
    if shelf.unreadable:
        named = ", ".join(filter(None, shelf.torn))
        text = f"{shelf.unreadable} release records cannot be read and are left alone"
        yield Problem(f"{text}: {named}" if named else text, refuses=False)
