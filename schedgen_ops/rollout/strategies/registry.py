"""The strategies that there are, and which of them a service has. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from schedgen_ops.commands.compose import Service
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.strategies.contract import Strategy
from schedgen_ops.rollout.strategies.ingress import IngressStrategy
from schedgen_ops.rollout.strategies.job import Job
from schedgen_ops.rollout.strategies.left_alone import LeftAlone
from schedgen_ops.rollout.strategies.start_first import StartFirst
from schedgen_ops.rollout.strategies.stop_first import StopFirst
from schedgen_ops.settings import Settings

STRATEGIES: tuple[Strategy, ...] = (Job(), LeftAlone(), IngressStrategy(), StartFirst(), StopFirst())
"""In the order in which they are asked: first those that the config asks for; the last suits all services."""


def of(record: ServiceRecord) -> Strategy:
    """Return the strategy of a service; the one that suits all for a name that is not known here."""
    return next((each for each in STRATEGIES if each.name == record.strategy), STRATEGIES[-1])


def chosen(services: Iterable[Service], settings: Settings) -> dict[str, Strategy]:
    """Return how each of the services of a host is replaced, by its name."""
    return {service.name: _how(service, settings) for service in services}


def _how(service: Service, settings: Settings) -> Strategy:
    named = (
        each
        for each in STRATEGIES
        # No config makes two of what can only be there once; the checklist refuses it.
        if service.name in each.named(settings.rollout) and not (each.beside and service.alone)
    )
    suited = (each for each in STRATEGIES if each.suits(service, settings))
    return next(chain(named, suited))
