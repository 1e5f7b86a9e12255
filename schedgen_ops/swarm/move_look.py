"""What a move from Compose to the Swarm takes, found out without changing anything."""

from __future__ import annotations

import json

from schedgen_ops import strangers
from schedgen_ops.checklist import fitting, stacked
from schedgen_ops.checklist import look as coming_to
from schedgen_ops.checklist.changes import Coming
from schedgen_ops.commands import registry
from schedgen_ops.commands.definition import parse_services
from schedgen_ops.commands.owners import parse_strangers
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.commands.registry import Held
from schedgen_ops.commands.swarm import Seen
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import Fleet
from schedgen_ops.host_context import ContextOf, HostContext
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.swarm import compose_side, manager
from schedgen_ops.swarm.move_plan import Found, MovePlan, planned

_LONG = 300.0


def look(nodes: Fleet, context: ContextOf, ref: Ref) -> MovePlan:
    """Return what a move takes that brings `ref`.

    Args:
        nodes: all hosts of the config.

    Raises:
        OpsError: where the first host cannot be asked, or the compose file is no good.
    """
    first = context(nodes.hosts[0])
    coming = _coming(first, ref)
    document = json.loads(coming.document or "{}")
    services = fitting.known(first.settings, parse_services(document, {}), coming, ())
    unfit = [
        each for each in stacked.judged(first.settings, coming.document or "") if isinstance(each, Problem)
    ]
    ports = sorted({port.published for each in services for port in each.ports})
    seen, swarm = _swarm(first)
    surveys = nodes.each(lambda remote: compose_side.survey(context(remote), ports, sized=True))
    others = nodes.only([*surveys.ok]).each(lambda remote: _strangers(context(remote)))
    held = nodes.only([*surveys.ok]).each(lambda remote: _registry(context(remote)))
    return planned(
        Found(
            first.settings,
            seen,
            surveys.ok,
            held.ok,
            {host: str(error) for host, error in {**surveys.errors, **others.errors, **held.errors}.items()},
            document,
            services,
            (*swarm, *unfit, *(problem for found in others.ok.values() for problem in found)),
        )
    )


def _coming(first: HostContext, ref: Ref) -> Coming:
    settings, paths = first.settings, Paths(first.settings.directory)
    shelf = store.known(first.remote, paths)
    old = shelf.serving.commit if shelf.serving else ""
    coming = coming_to.parse(
        settings, ref, first.run(coming_to.command(settings, ref, old, hashed=False), _LONG)
    )
    if coming.document is None:
        raise OpsError(f"Compose does not take the compose file of {ref}: {coming.said}", host=first.name)
    return coming


def _swarm(first: HostContext) -> tuple[Seen, tuple[Problem, ...]]:
    try:
        return manager.seen(first), ()
    except OpsError as error:
        text = f"{first.name} is no manager of a Swarm, or has no quorum: {error.detail or error.message}"
        hint = "`docker swarm init` there makes one; the first host of the config is a manager."
        return Seen(), (Problem(text, hint),)


def _strangers(host: HostContext) -> tuple[Problem, ...]:
    """What bears the project's name and is another's would be stopped with it."""
    found = parse_strangers(host.run(strangers.command(host.settings), _LONG).stdout)
    if not found:
        return ()
    text, hint = strangers.problem(host.settings, found)
    return (Problem(f"{host.name}: {text}", hint),)


def _registry(host: HostContext) -> Held:
    """What the registry says to a node: of an image that is not there, which who may look is told."""
    image = f"{host.settings.swarm.registry}/{host.settings.project}-schedgen:none"
    answer = host.run(registry.ask(host.docker, host.login, [image]), _LONG)
    return registry.parse_asked([image], answer.stdout)[0]
