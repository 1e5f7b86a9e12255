"""What preflight looks at, and how it judges what it saw. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from schedgen_ops import strangers
from schedgen_ops.commands import disks, environment, facts, files, git, maintenance, swarm
from schedgen_ops.commands import docker as engine
from schedgen_ops.commands.compose import Compose
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.owners import namesakes
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.policy import approvals
from schedgen_ops.policy.approvals import Approval
from schedgen_ops.preflight import code, kept, local_engine, mounted, nodes
from schedgen_ops.preflight import host as look
from schedgen_ops.preflight.local_engine import LocalEngine
from schedgen_ops.preflight.probe import Judge, Probe, Problem
from schedgen_ops.release import store
from schedgen_ops.release.paths import FOLDER, Paths
from schedgen_ops.remote import Result
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import sh


@dataclass(frozen=True, slots=True)
class Observed:
    """A host as preflight found it.

    Attributes:
        tree: `git.NO_WORK_TREE` where releases are images.
        means: the commit that the git remote has under the name that was asked for; what was asked for itself
            where that is a commit or a tag of images, and "" where nothing is pulled.
        no_detour: why the ports answer nobody while they change hands the first time, "" where they may not.
        approvals: those that are asked for, of whatever commit.
        platform: what images have to be for, as linux/amd64, where this machine builds them; else "".
    """

    tree: git.WorkTree
    containers: tuple[engine.Container, ...]
    shelf: store.Shelf
    classic: bool
    engine: str
    compose: str
    no_detour: str
    free_bytes: int
    hook: str = ""
    means: str = ""
    approvals: tuple[Approval, ...] = ()
    platform: str = ""

    @property
    def blank(self) -> bool:
        """Whether the project neither runs here nor ever did, as far as anybody knows."""
        return self.shelf.blank(self.containers)


def probes(
    settings: Settings,
    host: HostSettings,
    ref: Ref | None = None,
    builder: LocalEngine | None = None,
    *,
    moves: bool = False,
) -> dict[str, Probe]:
    """Return everything preflight looks at on `host`, in the order in which problems are told.

    Args:
        ref: what will be fetched; None for nothing.
        builder: the engine of this machine, where that builds the images.
        moves: whether Compose may run the project where a Swarm is to.
    """
    docker = Docker(settings.sudo)
    compose = Compose(docker, settings.project, settings.directory)
    paths = Paths(settings.directory)
    where, backups = settings.directory, settings.backup.directory
    ours = (FOLDER,) if backups.startswith("/") else (FOLDER, backups)
    only_compose = not settings.on_swarm
    consent = {"approvals": Probe(approvals.listing(paths), kept.approvals)}
    tree = {
        "tree": Probe(git.work_tree(*ours).in_dir(where), code.tree(settings)),
        "git": Probe(git.state().in_dir(where), code.movable),
        **({"source": _source(settings, ref)} if ref else {}),
    }
    return {
        "directory": Probe(sh("true").in_dir(where), _directory(settings)),
        **(tree if settings.from_git else {}),
        **(consent if ref and settings.policy.approvals else {}),
        "engine": Probe(facts.engine(docker), look.docker_answers(settings)),
        "compose": Probe(facts.compose(docker), look.plugin),
        **({"detour": Probe(facts.no_detour(docker), lambda _: iter(()))} if only_compose else {}),
        **({"builder": Probe(docker.platform(), local_engine.judge(builder))} if builder else {}),
        "buildx": Probe(facts.buildx(docker), lambda _: iter(())),
        "credentials": _credentials(compose, settings),
        **(
            {"backups": Probe(files.writable(backups).in_dir(where), look.writable(backups))}
            if only_compose
            else {"swarm": Probe(swarm.look(docker, settings.project), nodes.swarm(settings))}
        ),
        "state": Probe(files.writable(paths.state), look.writable(paths.state)),
        "disk": Probe(disks.spaces(docker, where), look.disk(settings)),
        "load": Probe(files.load(), look.load(settings)),
        **(
            {
                "owners": Probe(strangers.command(settings), look.owners(settings)),
                "namesakes": Probe(namesakes(docker, where, paths.current), look.namesakes(settings)),
            }
            if only_compose
            else {}
        ),
        "containers": Probe(
            docker.containers(settings.project),
            look.database(settings, host, refuses=ref is not None)
            if only_compose
            else nodes.no_compose(settings, may_run=moves),
        ),
        **(
            {"mounted": mounted.probe(settings, docker)} if ref and settings.from_git and only_compose else {}
        ),
        "releases": Probe(store.read_command(paths), kept.releases),
        **({} if moves else {"maintenance": Probe(maintenance.look(paths.ingress), kept.maintenance)}),
        **(
            {"webhook": Probe(sh("command", "-v", "curl"), look.curl)} if settings.notify.host_webhook else {}
        ),
    }


def _source(settings: Settings, ref: Ref) -> Probe:
    command = git.advertised(settings.remote, ref).in_dir(settings.directory)
    return Probe(command, code.source(settings, ref))


def _credentials(compose: Compose, settings: Settings) -> Probe:
    names = look.expected(settings)
    asked = environment.variables(compose, settings.env_file, names)
    command = asked.in_dir(settings.directory) if names else sh("true")
    return Probe(command, look.credentials(settings))


def observed(results: dict[str, Result], ref: Ref | None = None) -> Observed:
    """Return what the answers say; only for a host that no probe refused."""
    return Observed(
        tree=git.parse_work_tree(results["tree"].stdout) if "tree" in results else git.NO_WORK_TREE,
        # Those of a Swarm are its own, wherever they are.
        containers=() if "swarm" in results else engine.parse_containers(results["containers"].stdout),
        shelf=store.parse_shelf(results["releases"].stdout),
        classic=not results["buildx"].ok,
        engine=results["engine"].text,
        compose=results["compose"].text,
        no_detour=results["detour"].text if "detour" in results else "",
        free_bytes=disks.parse_spaces(results["disk"].stdout).project.free,
        hook=git.parse_state(results["git"].stdout).hook if "git" in results else "",
        means=_means(results, ref),
        approvals=approvals.parse(results["approvals"].stdout) if "approvals" in results else (),
        platform=results["builder"].text if "builder" in results else "",
    )


def _means(results: Mapping[str, Result], ref: Ref | None) -> str:
    if ref is None:
        return ""
    found = git.parse_advertised(results["source"].stdout, ref) if "source" in results else ""
    return found or ref.name


def judge(probes: dict[str, Probe], results: dict[str, Result]) -> tuple[Problem, ...]:
    """Return all problems, in the order of the probes."""
    return tuple(problem for found in judged(probes, results).values() for problem in found)


def judged(probes: dict[str, Probe], results: dict[str, Result]) -> dict[str, tuple[Problem, ...]]:
    """Return what each probe found. Without the directory, or the engine, what needs it says nothing new."""
    problems: dict[str, tuple[Problem, ...]] = {}
    # Where nothing runs, nothing has to run; but then it must be nothing for certain.
    unasked = "containers" if blank(results) else "namesakes"
    for name, probe in probes.items():
        if name in _OF_ENGINE and not results["engine"].ok:
            continue
        problems[name] = () if name == unasked else _judged(name, probe, results[name])
        if name == "directory" and problems[name]:
            break
    return problems


_OF_ENGINE = ("containers", "mounted", "namesakes")


def blank(results: Mapping[str, Result]) -> bool:
    """Return whether the answers say that nothing of the project runs, see `Observed.blank`."""
    containers, releases = results["containers"], results["releases"]
    if not (containers.ok and releases.ok):
        return False
    try:
        boxes = () if "swarm" in results else engine.parse_containers(containers.stdout)
        return store.parse_shelf(releases.stdout).blank(boxes)
    except (ValueError, LookupError, TypeError, AttributeError):
        return False


def containers(results: Mapping[str, Result]) -> tuple[engine.Container, ...]:
    """Return the project's containers; none where the answer cannot be read, which its own probe tells."""
    try:
        return engine.parse_containers(results["containers"].stdout)
    except (ValueError, LookupError, TypeError, AttributeError):
        return ()


# What only warns where it is bad only warns where it cannot be read.
_WARNS = ("load",)


def _judged(name: str, probe: Probe, result: Result) -> tuple[Problem, ...]:
    try:
        return tuple(probe.judge(result))
    except (ValueError, LookupError, TypeError, AttributeError):
        answer = result.stdout[:60]
        text = f"what `{probe.command}` answered cannot be read: {answer!r}"
        return (Problem(text, refuses=name not in _WARNS),)


def _directory(settings: Settings) -> Judge:
    def judge(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(
                f"no project directory {settings.directory}",
                f"Clone the project there, or correct `directory` in config/{settings.environment}.yaml.",
            )

    return judge
