"""What is wrong with the host itself: engine, disks, permissions, credentials, configuration. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

from schedgen_ops.commands import files
from schedgen_ops.doctor import remote_commands as ask
from schedgen_ops.doctor.cause import Answers, Diagnosis, of_problem, unknown
from schedgen_ops.preflight import host as look
from schedgen_ops.release.paths import Paths
from schedgen_ops.shell import Command, sh

GIB = 1024**3
# The layers of one image have so many files; a file system for less has this share or these few left.
_INODES, _SHARE, _FEW = 20_000, 0.02, 100
# Git, Compose and our own state write a little into folders that no release fills.
_LITTLE = 0.05
_UNSET = re.compile(r'The \\?"(\w+)\\?" variable is not set')
# What Compose says of a file that it does not take; the rest may quote values.
_LINE = re.compile(
    r"(?:yaml: )?line \d+: [\w ,']{1,80}|services\.[\w.-]+ (?:must|Additional|additional)[^:\"]{0,120}"
)


def engine(answers: Answers) -> Iterator[Diagnosis]:
    """Find whether the Docker Engine answers this user."""
    for problem in look.docker_answers(answers.settings)(answers["engine"]):
        yield of_problem("Docker daemon", problem)


def compose(answers: Answers) -> Iterator[Diagnosis]:
    """Find whether Compose is there and new enough."""
    for problem in look.plugin(answers["compose"]):
        if problem.refuses:
            yield of_problem("Docker Compose", problem)


def disk(answers: Answers) -> Iterator[Diagnosis]:
    """Find file systems with less room than a release needs."""
    if not answers["rooms"].ok:
        yield unknown("disk space", answers["rooms"])
        return
    limit = answers.settings.limits.disk_free_gb
    for room in _each(answers["rooms"].stdout):
        needed = _LITTLE if room.folder == "/tmp" else limit
        if room.free < needed * GIB:
            text = f"{room.free / GIB:.2f} GB are free where {room.folder} is, {needed:g} GB are needed"
            yield Diagnosis("disk space", text, "inv ops.prune; inv backup.prune")


def inodes(answers: Answers) -> Iterator[Diagnosis]:
    """Find file systems that can hardly hold another file, whatever room they have."""
    for room in _each(answers["rooms"].stdout) if answers["rooms"].ok else ():
        if room.all_inodes and room.inodes < max(_FEW, min(_INODES, room.all_inodes * _SHARE)):
            text = f"{room.inodes} of {room.all_inodes} inodes are free where {room.folder} is"
            yield Diagnosis("inodes", text, "inv ops.prune; inv backup.prune")


def _each(stdout: str) -> Iterator[ask.Room]:
    """The file systems, each once, by the first of our folders on it."""
    seen = set()
    for room in ask.parse_rooms(stdout):
        same = room.free // 2**20, room.all_inodes
        if same not in seen:
            yield room
        seen.add(same)


def writable(path: str) -> Command:
    """Fails unless files can be made in `path`, and says whose it is then."""
    return files.writable(path).or_else(sh("ls", "-ld", "--", path).and_then(sh("false")))


def permissions(answers: Answers) -> Iterator[Diagnosis]:
    """Find folders of ours that this user may not write to."""
    settings = answers.settings
    backups, where = settings.backup.directory, settings.directory
    inside = backups if backups.startswith("/") else f"{where}/{backups}"
    for probe, path in (("backups", inside), ("state", Paths(where).state)):
        result = answers[probe]
        if not result.ok:
            said = tuple(filter(None, (result.text, result.stderr.strip())))
            fix = f"make it belong to the user that we log in as: `chown -R USER {path}`"
            yield Diagnosis("permissions", f"{path} is not writable", fix, said)


def credentials(answers: Answers) -> Iterator[Diagnosis]:
    """Find credentials that are missing or blank."""
    for problem in look.credentials(answers.settings)(answers["credentials"]):
        if problem.refuses:
            yield of_problem("credentials", problem)


def configuration(answers: Answers) -> Iterator[Diagnosis]:
    """Find a compose file that Compose does not take, and variables in it that nothing sets."""
    settings, result = answers.settings, answers["config"]
    env = f"{settings.directory}/{settings.env_file}"
    # A deploy sets the one that has the tag of images.
    unset = tuple(
        each for each in dict.fromkeys(_UNSET.findall(result.stderr)) if each != settings.release.variable
    )
    if unset:
        text = f"the compose file names variables that {settings.env_file} does not set: {', '.join(unset)}"
        yield Diagnosis("configuration", text, f"set them in {env}")
    if result.code == 124:
        yield unknown("configuration", result)
    elif not result.ok:
        said = tuple(match[0].strip() for match in _LINE.finditer(result.stderr))
        text = "Docker Compose does not take the compose file as it is on the host"
        fix = "correct it in git and deploy: `inv deploy`; or go back: `inv rollback`"
        yield Diagnosis("configuration", text, fix, said[:3])


def owners(answers: Answers) -> Iterator[Diagnosis]:
    """Find containers of another work tree under the project's name."""
    for problem in look.owners(answers.settings)(answers["owners"]):
        yield of_problem("another project", problem)


def load(answers: Answers) -> Iterator[Diagnosis]:
    """Find a host that is short of memory or CPU."""
    for problem in look.load(answers.settings)(answers["load"]):
        fix = "inv verify.performance tells who uses it"
        if answers.settings.on_swarm:
            fix = f"inv status tells what runs there; inv hosts.drain {answers.host.name} moves it elsewhere"
        found = of_problem("host resources", problem, fix=fix)
        yield replace(found, trace="load") if problem.passing else found
