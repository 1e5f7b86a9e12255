"""A look at the hosts of a run that failed, which never holds its end up for longer than it may."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from functools import partial

from schedgen_ops.doctor import plan, run
from schedgen_ops.doctor.cause import Diagnosis
from schedgen_ops.errors import OpsError
from schedgen_ops.host_context import HostContext
from schedgen_ops.workers import Worker

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
    came: dict[str, tuple[Diagnosis, ...]] = {}
    until = time.monotonic() + seconds
    workers = [Worker(partial(_one, host, seconds * _SHARE, came), host.name) for host in hosts]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(max(0.0, until - time.monotonic()))
    late = _not_asked(f"it did not answer within {seconds:g} s")
    return {host.name: came.get(host.name, late) for host in hosts}


def _one(host: HostContext, deadline: float, came: dict[str, tuple[Diagnosis, ...]]) -> None:
    try:
        came[host.name] = run.look_for(host, plan.after_failure(), deadline)
    except OpsError as error:
        came[host.name] = _not_asked(error.message)
    except BaseException as error:
        # Whatever goes wrong here is no part of what is to be told: how the run ended.
        came[host.name] = _not_asked(f"unexpected {type(error).__name__}")


def _not_asked(why: str) -> tuple[Diagnosis, ...]:
    return (Diagnosis(NOT_ASKED, why, known=False),)
