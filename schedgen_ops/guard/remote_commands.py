"""The guard's commands: the watchdog started, followed, spoken to, looked at. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from schedgen_ops.guard import arithmetic
from schedgen_ops.guard.plan import Orders
from schedgen_ops.host_scripts import host_script, program
from schedgen_ops.lock.remote_commands import Owner
from schedgen_ops.shell import LOCALE, Command, Value


def start(state: str, owner: Owner, orders: Orders) -> Command:
    """Start the watchdog and return when it is at work; it goes on by itself.

    Its program is what the command reads on stdin; the command's `values` have the program's too.
    """
    command = host_script(
        "watch/start", title="start the guard", state=state, owner=json.dumps(asdict(owner))
    )
    values = _values(state, orders)
    text = LOCALE + program("watch/watchdog", **values)
    return replace(command, stdin=text, values=(*command.values, *values.items()))


def _values(state: str, orders: Orders) -> dict[str, Value]:
    policy = orders.policy
    return {
        "docker": orders.docker,
        "project": orders.project,
        "state": state,
        "release": orders.release,
        "alone": "yes" if orders.alone else "no",
        "interval": orders.interval,
        "stages": tuple(f"{stage.share} {stage.seconds}" for stage in orders.stages),
        "policy": arithmetic.variables(policy),
        "window": policy.window,
        "least": max(1, -(-policy.min_requests // policy.window)),
        "insufficient_traffic": orders.insufficient_traffic,
        "traffic_timeout": orders.traffic_timeout,
        "services": orders.services,
        "proxies": orders.proxies,
        "targets": orders.targets,
        "metrics": orders.metrics,
        "requests": orders.requests_metric,
        "latency": orders.latency_metric,
        "paths": " ".join(orders.own_paths),
        "prometheus": orders.prometheus,
        "watch_logs": "yes" if policy.log_errors >= 0 else "no",
        "back": orders.back,
        "keep": orders.keep,
        "records": orders.records,
    }


def follow(state: str) -> Command:
    """Print the watchdog's log from its start until it ends; nothing where there is none any more."""
    return host_script("watch/follow", title="follow the guard", state=state)


def signal(state: str, text: str) -> Command:
    """Tell the watchdog `keep`, or `back REASON`; no error where there is none any more."""
    return host_script("watch/signal", title="tell the guard", state=state, signal=text)


def await_end(state: str, seconds: int) -> Command:
    """Wait until the watchdog has ended, at most so many seconds, and remove what one that died left."""
    return host_script("watch/await_end", title="wait for the guard", state=state, seconds=seconds)


def status(state: str) -> Command:
    """Print `alive` or `dead`, who started it, and the end of its log; nothing where there is no guard."""
    return host_script("watch/status", title="look at the guard", state=state)
