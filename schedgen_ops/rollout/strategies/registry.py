"""The strategies that there are, and which of them a service has. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import chain
from types import MappingProxyType

from schedgen_ops.commands.compose import Service
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.strategies.contract import Strategy, may_run_twice
from schedgen_ops.rollout.strategies.ingress import IngressStrategy
from schedgen_ops.rollout.strategies.job import Job
from schedgen_ops.rollout.strategies.left_alone import LeftAlone
from schedgen_ops.rollout.strategies.start_first import StartFirst
from schedgen_ops.rollout.strategies.stop_first import StopFirst
from schedgen_ops.settings import Settings

STRATEGIES: tuple[Strategy, ...] = (Job(), LeftAlone(), IngressStrategy(), StartFirst(), StopFirst())
"""In the order in which they are asked: first those that the config asks for; the last suits all services."""
_NONE: Mapping[str, ServiceRecord] = MappingProxyType({})


def of(record: ServiceRecord) -> Strategy:
    """Return the strategy of a service; the one that suits all for a name that is not known here."""
    return next((each for each in STRATEGIES if each.name == record.strategy), STRATEGIES[-1])


def chosen(
    services: Iterable[Service], settings: Settings, known: Mapping[str, ServiceRecord] = _NONE
) -> dict[str, Strategy]:
    """Return how each of the services of a host is replaced, by its name.

    Args:
        known: the services of the release that serves.
    """
    hows = {service.name: _how(service, settings, known.get(service.name)) for service in services}
    if any(record.proxies for record in known.values()):
        # What was stopped first has its ports itself: an ingress that runs could not take them by itself.
        stay = {name for name, record in known.items() if record.strategy == STRATEGIES[-1].name}
        gated = {name for name, how in hows.items() if how.behind} - {*settings.rollout.ingress}
        hows |= dict.fromkeys(gated & stay, STRATEGIES[-1])
    return hows


def called(service: Service, settings: Settings, before: ServiceRecord | None) -> bool:
    """Return whether the name of a service leads to the ingress from the release to come on.

    Its containers are found by a name of ours then, which those of the release before have to have.

    Args:
        before: the service in the release that serves.
    """
    known = before is not None and bool(before.alias)
    return known and service.name in settings.rollout.by_name and may_run_twice(service)


def _how(service: Service, settings: Settings, before: ServiceRecord | None) -> Strategy:
    named = (
        each
        for each in STRATEGIES
        # No config makes two of what can only be there once; the checklist refuses it.
        if (
            service.name in each.named(settings.rollout)
            or (each.behind and called(service, settings, before))
        )
        and not (each.beside and (service.alone or service.replicas == 0))
    )
    suited = (each for each in STRATEGIES if each.suits(service, settings))
    return next(chain(named, suited))
