"""What `inv hosts.setup` does with an operation: shows its plan, asks, does it, and ends with the check."""

from __future__ import annotations

import re

from schedgen_ops import events
from schedgen_ops import host as ssh
from schedgen_ops.cli import hosts
from schedgen_ops.cli.looking import Rows
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.fleet import Fleet
from schedgen_ops.provision import setup, setup_plan
from schedgen_ops.provision.files import NO_FILES, Packed, pack
from schedgen_ops.provision.setup_facts import SetupFacts
from schedgen_ops.provision.setup_plan import Action, Kind, Source
from schedgen_ops.remote import Remote
from schedgen_ops.runner import StepRunner
from schedgen_ops.secrets import remote_commands
from schedgen_ops.steps import Step
from schedgen_ops.task_run import Operation
from schedgen_ops.text import plural

_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}\Z")
_PASSWORD = re.compile(r"[a-z+]+://[^/@]*:[^/@]*@")
Plans = dict[str, tuple[SetupFacts, tuple[Action, ...]]]


def run(op: Operation, repository: str, login: str, files: str = "") -> None:
    """Set the chosen hosts up, once their plan was shown and agreed to, and check them.

    Args:
        repository: where the project is cloned from, "" where every host has its clone.
        files: the folder here whose files a host gets instead, where releases are images; "" for none.
        login: who logs in to do it, "" for who deploys.

    Raises:
        ConfigError: for what is no repository or user, or where nobody says who deploys.
        Refused: where a host cannot be set up, the answer was no, or a host is not ready afterwards.
        CommandFailed: where something cannot be done.
    """
    _sane(op, repository, login)
    packed = _packed(op, repository, files) if files else NO_FILES
    source = Source(repository, len(packed.names), packed.folder)
    with _logged_in(op, login) as door:
        found = door.each(lambda remote: _planned(op, remote, source, login)).values()
        plans: Plans = dict(zip(door.names, found, strict=True))
        todo = [name for name, (_, actions) in plans.items() if actions]
        if todo:
            _agreed(op, plans)
            _work(op, door, plans, repository, packed.data)
        else:
            events.info(op.emit, "Every host is set up: there was nothing to do")
    # Whoever is in a group since a moment ago is so in new sessions only: these connections are.
    try:
        hosts.check(op)
    except Refused as error:
        if todo:
            error.message = "not ready yet"
            error.outcome = "what was done stays; another run goes on from there"
        raise
    if todo:
        op.end("Set up", f"{plural(len(todo), 'host')} can be deployed to")


def _packed(op: Operation, repository: str, files: str) -> Packed:
    if op.settings.from_git:
        raise ConfigError(
            "--files is for releases that are images", hint="A commit comes by a clone: --repository."
        )
    if repository:
        raise ConfigError("--files and --repository say two things", hint="Name one of them.")
    return pack(op.settings, files)


def _sane(op: Operation, repository: str, login: str) -> None:
    if repository.startswith("-") or not repository.isprintable():
        raise ConfigError(
            f"{repository!r} is no repository", hint="For example git@example.com:team/app.git."
        )
    if _PASSWORD.match(repository):
        hint = "It would stay in the clone, readable. Use a deploy key, or a credential helper on the host."
        raise ConfigError("the repository's address has a password in it", hint=hint)
    if login and not _USER.match(login):
        raise ConfigError(f"{login!r} is no user")
    if unnamed := [name for name in op.fleet.names if login and not op.settings.host(name).user]:
        hint = "With --login, `user` of each host in the config says who deploys."
        raise ConfigError(f"nobody says who deploys on {', '.join(unnamed)}", hint=hint)


def _logged_in(op: Operation, login: str) -> Fleet:
    entries = [op.settings.host(name) for name in op.fleet.names]
    if login:
        entries = [entry.model_copy(update={"user": login}) for entry in entries]
    return Fleet(ssh.connect_all(op.settings, entries, prompt=op.ui.secret), op.emit)


def _planned(
    op: Operation, remote: Remote, source: Source, login: str
) -> tuple[SetupFacts, tuple[Action, ...]]:
    account = op.settings.host(remote.name).user if login else None
    facts = setup.look(op.context(remote), account or "")
    return facts, setup_plan.plan(op.settings, facts, source, remote.name)


def _agreed(op: Operation, plans: Plans) -> None:
    rows = Rows(op, ("Host", "Do"))
    for host, (_, actions) in plans.items():
        rows.add([(host, action.text) for action in actions] or [(host, "nothing")])
    if not op.ui.confirm("Do this?", yes=op.options.yes):
        raise Refused("nothing was changed")


def _work(op: Operation, door: Fleet, plans: Plans, repository: str, files: bytes) -> None:
    vault = op.vault
    delivers = {name for name, (_, todo) in plans.items() if any(one.kind is Kind.ENV for one in todo)}
    if vault is not None and delivers:
        # What cannot be fetched is known before anything is changed.
        vault.env()

    def prepare(remote: Remote) -> None:
        setup.prepare(op.context(remote), *plans[remote.name])

    def project(remote: Remote) -> None:
        setup.project(op.context(remote), repository, files, plans[remote.name][1])
        if vault is not None and remote.name in delivers:
            remote.run(remote_commands.deliver(op.settings, vault.env()), deadline=60)
            events.info(op.emit, f"done: deliver {op.settings.env_file}", remote.name)

    op.begin("hosts.setup", "Setting up", steps=(("", "The machine"), ("", "The project")))
    steps = (
        Step("", "The machine", door.everywhere(prepare), gate=True, lasting=True),
        Step("", "The project", op.fleet.everywhere(project), gate=True, lasting=True),
    )
    StepRunner(op.emit, op.clock).run(steps)
