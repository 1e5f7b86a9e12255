"""The hooks of a deploy among its steps."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from schedgen_ops.deploy import rolling
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.hooks.calling import RunHooks
from schedgen_ops.hooks.found import of_services, unlike
from schedgen_ops.settings import Settings
from schedgen_ops.steps import Step

_FIRST = "Pre-flight Checks"
_BEFORE = {"Pre-deployment backup": "pre-backup"}
_KNOWN = "Building containers"
_AFTER = {"Running database migrations": "post-migrate"}
_STAYS = "The release serves. End the hook post-deploy?"


def added(run: Pipeline, hooks: RunHooks) -> Pipeline:
    """Return the pipeline of a deploy with a step for each hook that there is."""
    return replace(run, steps=tuple(_all(run, hooks)))


def _all(run: Pipeline, hooks: RunHooks) -> Iterator[Step]:
    # Where nothing was begun, a hook that fails is no failed deploy, but a refused one.
    gate = True
    yield from _pre(hooks, "pre-connect", gate=True)
    every = [_services(run.session.settings, step, hooks) for step in run.steps]
    for number, step in enumerate(run.steps):
        yield from _pre(hooks, _BEFORE.get(step.title, ""), gate=gate)
        # Host by host, a service is in several steps.
        for service in _without(every[number], every[:number]):
            yield from _pre(hooks, f"pre-{service}", gate=False, service=service)
        yield step
        gate = gate and step.gate
        for service in _without(every[number], every[number + 1 :]):
            yield from _post(hooks, f"post-{service}", service=service)
        if step.title == _KNOWN:
            yield from _names(run, hooks)
        yield from _post(hooks, _AFTER.get(step.title, ""))
        if step.title == _FIRST:
            yield from _pre(hooks, "pre-deploy", gate=gate)
    yield from _last(hooks)


def _without(services: Iterable[str], others: Iterable[Iterable[str]]) -> list[str]:
    known = {service for each in others for service in each}
    return [service for service in services if service not in known]


def _names(run: Pipeline, hooks: RunHooks) -> Iterator[Step]:
    """The step that refuses hooks of services that the release does not have; tiers name them all before."""
    if not run.session.settings.tiers and of_services(hooks.found):
        yield Step("", "Names of hooks", partial(_must_be_known, run.session, hooks))


def _must_be_known(session: Session, hooks: RunHooks) -> None:
    services = {service.name for host_run in session.host_runs for service in host_run.services}
    if wrong := [text for name in of_services(hooks.found) if (text := unlike(name, services))]:
        hint = "Rename or remove it; docs/hooks.md has the names."
        raise OpsError(f"hooks that no service has: {'; '.join(wrong)}", hint=hint)


def _services(settings: Settings, step: Step, hooks: RunHooks) -> list[str]:
    """The services that a step may replace, and that have a hook; in the step's order."""
    if rolling.TITLE in step.titles:
        return sorted({name.partition("-")[2] for name in of_services(hooks.found)})
    tiers = (tier for tier in settings.tiers if rolling.of_tier(tier) in step.titles)
    return [service for tier in tiers for service in tier.services]


def _pre(hooks: RunHooks, name: str, *, gate: bool, **more: object) -> Iterator[Step]:
    if name in hooks.found:
        kind = Refused if gate else OpsError
        yield Step("", f"Hook {name}", partial(hooks.must, name, kind, **more), gate=gate)


def _post(hooks: RunHooks, name: str, **more: object) -> Iterator[Step]:
    if name in hooks.found:
        yield Step("", f"Hook {name}", partial(hooks.may, name, **more))


def _last(hooks: RunHooks) -> Iterator[Step]:
    if "post-deploy" in hooks.found:
        run = partial(hooks.at_the_end, "post-deploy", code=0)
        yield Step("", "Hook post-deploy", run, stays=_STAYS)
