"""A look at the hosts of a run that failed, which never holds its end up for longer than it may."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from schedgen_ops.doctor import on_swarm, plan, run
from schedgen_ops.doctor.cause import Diagnosis
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import HostContext
from schedgen_ops.workers import Worker

T = TypeVar("T")

SECONDS = 15.0
"""The longest that somebody waits for it."""
NOT_ASKED = "not looked at"
"""The cause of a finding that says that a host was not looked at."""

# What a host is given of it: a probe that takes longer is unknown, and the others are told all the same.
_SHARE = 0.7


def look(hosts: Sequence[HostContext], seconds: float) -> Mapping[str, tuple[Diagnosis, ...]]:
    """Return what is wrong with each host, by name and in their order; one that says nothing is told as that.

    Args:
        seconds: after which nobody waits any more.
    """

    def one(host: HostContext, deadline: float) -> tuple[Diagnosis, ...]:
        return run.look_for(host, plan.after_failure(), deadline)

    silent, came = _looked(hosts, one, seconds)
    found = {**silent, **came}
    return {host.name: found[host.name] for host in hosts}


def look_at_swarm(hosts: Sequence[HostContext], seconds: float) -> Mapping[str, tuple[Diagnosis, ...]]:
    """Return what is wrong with a Swarm, by the node that said so; see `look`.

    A node that does not answer is no trouble that a run left: where it is lost, its manager says so.

    Args:
        hosts: its nodes.
    """
    silent, told = _looked(hosts, on_swarm.ask, seconds)
    return {**silent, **on_swarm.judge(hosts[0].settings, told)}


def _looked(
    hosts: Sequence[HostContext], action: Callable[[HostContext, float], T], seconds: float
) -> tuple[Mapping[str, tuple[Diagnosis, ...]], Mapping[str, T]]:
    """Why hosts say nothing, by name, and what the others say."""
    came: dict[str, T] = {}
    silent: dict[str, tuple[Diagnosis, ...]] = {}
    until = time.monotonic() + seconds

    def one(host: HostContext) -> None:
        try:
            came[host.name] = action(host, seconds * _SHARE)
        except OpsError as error:
            silent[host.name] = _not_asked(error.message)
        except BaseException as error:
            # Whatever goes wrong here is no part of what is to be told: how the run ended.
            silent[host.name] = _not_asked(f"unexpected {type(error).__name__}")

    workers = [Worker(partial(one, host), host.name) for host in hosts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
    seen = dict(came)
    late = _not_asked(f"it did not answer within {seconds:g} s")
    names = [host.name for host in hosts if host.name not in seen]
    return {name: silent.get(name, late) for name in names}, seen


def _not_asked(why: str) -> tuple[Diagnosis, ...]:
    return (Diagnosis(NOT_ASKED, why, known=False),)
