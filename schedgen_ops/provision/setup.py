"""Sets a host up: asks what it lacks, does it, each thing once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from schedgen_ops.errors import CommandFailed
from schedgen_ops.host_context import HostContext
from schedgen_ops.host_scripts import host_script
from schedgen_ops.provision import setup_facts, setup_plan
from schedgen_ops.provision.setup_facts import SetupFacts
from schedgen_ops.provision.setup_plan import Action, Kind
from schedgen_ops.shell import Command

_QUICK, _LONG = 120.0, 1200.0


def look(host: HostContext, account: str) -> SetupFacts:
    """Return what a host lacks.

    Args:
        account: who deploys, "" for whoever is logged in.

    Raises:
        CommandFailed: where it does not tell of itself.
    """
    said = host.run(setup_facts.ask(host.settings, account), _QUICK)
    try:
        return setup_facts.parse(said.stdout)
    except ValueError as problem:
        raise CommandFailed(str(problem), code=said.code, host=host.name) from None


def prepare(host: HostContext, facts: SetupFacts, actions: Iterable[Action]) -> None:
    """Do what needs root, through whoever is logged in.

    Raises:
        CommandFailed: where something cannot be done; what was done until then stays.
    """
    for action in actions:
        if action.kind.as_root:
            command = _by_root(_command(host, facts, action.kind), facts)
            _do(host, action, command, _LONG if action.kind is Kind.PACKAGES else _QUICK)


def project(host: HostContext, repository: str, files: bytes, actions: Iterable[Action]) -> None:
    """Clone the project or bring its files, as who deploys, where that is planned.

    Args:
        repository: where git clones it from.
        files: a packed tar.

    Raises:
        CommandFailed: where that cannot be done; the directory is as it was.
    """
    directory = host.settings.directory
    for action in actions:
        if action.kind is Kind.CLONE:
            command = host_script(
                "provision/clone",
                title="git clone",
                directory=directory,
                repository=repository,
                remote=host.settings.remote,
            )
            _do(host, action, command, _LONG)
        elif action.kind is Kind.FILES:
            bring = host_script("provision/bring", title="tar", directory=directory, size=len(files))
            _do(host, action, bring.with_stdin(files), _LONG)


def _do(host: HostContext, action: Action, command: Command, deadline: float) -> None:
    said = host.run(command, deadline)
    host.say(f"done: {action.text}")
    for line in said.lines():
        host.say(line)


def _command(host: HostContext, facts: SetupFacts, kind: Kind) -> Command:
    directory = host.settings.directory
    if kind is Kind.PACKAGES:
        return host_script(
            "provision/packages",
            title="install packages",
            packages=setup_plan.packages(facts),
            engine="yes" if setup_plan.no_engine(facts) else "",
            compose="" if facts.compose else "yes",
        )
    if kind is Kind.ENGINE:
        return host_script("provision/engine", title="start Docker Engine")
    if kind is Kind.ACCOUNT:
        title = f"set {facts.account} up"
        return host_script("provision/account", title=title, account=facts.account, keys=facts.keys)
    title = f"make {directory}"
    return host_script("provision/directory", title=title, account=facts.account, directory=directory)


def _by_root(command: Command, facts: SetupFacts) -> Command:
    return command if facts.user == "root" else replace(command, text=f"sudo -n {command.text}")
