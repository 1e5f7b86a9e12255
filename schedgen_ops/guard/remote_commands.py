"""The guard's commands: the watchdog started, followed, spoken to, looked at. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

from schedgen_ops.commands.docker import DEFINITION_LABEL, RELEASE_LABEL
from schedgen_ops.guard.plan import AgentConfig
from schedgen_ops.host_scripts import host_script, program
from schedgen_ops.lock.remote_commands import Owner
from schedgen_ops.shell import LOCALE, Command, Secret, Value
from schedgen_ops.watch.detached import WEBHOOK
from schedgen_ops.watch.policy import variables


def start(
    state: str, owner: Owner, config: AgentConfig, webhook: Secret | None = None, whose: str = ""
) -> Command:
    """Start the watchdog and return when it is at work; it goes on by itself.

    Its program is what the command reads on stdin; the command's `values` have the program's too.

    Args:
        webhook: where it tells the team what nobody else is left to tell; None for nowhere.
        whose: who speaks then.
    """
    command = host_script(
        "watch/start", title="start the guard", state=state, owner=json.dumps(asdict(owner)), whose=whose
    )
    values = _values(state, config)
    text = LOCALE + program("watch/watchdog", **values)
    told = replace(command, stdin=text, values=(*command.values, *values.items()))
    return told.with_secret(WEBHOOK, webhook) if webhook else told


def _values(state: str, config: AgentConfig) -> dict[str, Value]:
    policy, known = config.policy, config.definitions
    of_release = [f"{RELEASE_LABEL}={config.release_id}"] * len(config.services)
    of_swarm = [f"{DEFINITION_LABEL}={definition}" for definition in known or ()]
    return {
        "docker": config.docker,
        "project": config.project,
        "state": state,
        "release": config.release_id,
        "alone": _alone(config),
        "swarm": "no" if known is None else "yes",
        "canary": "yes" if config.guests else "no",
        "interval": config.interval,
        "stages": tuple(f"{stage.share} {stage.seconds}" for stage in config.stages),
        "policy": variables(policy),
        "window": policy.window,
        "least": max(1, -(-policy.min_requests // policy.window)),
        "insufficient_traffic": config.insufficient_traffic,
        "traffic_timeout": config.traffic_timeout,
        "services": config.services,
        "marks": of_release if known is None else of_swarm,
        "proxy": config.proxy,
        "proxies": config.proxies,
        "targets": config.targets,
        "metrics": config.metrics,
        "requests": config.requests_metric,
        "latency": config.latency_metric,
        "paths": " ".join(config.own_paths),
        "prometheus": config.prometheus,
        "watch_logs": "yes" if policy.log_errors >= 0 else "no",
        "back": config.back,
        "cut": config.cut,
        "keep": config.keep,
        "records": config.records,
    }


def _alone(config: AgentConfig) -> str:
    if config.node:
        return "node"
    return "canary" if config.canary else "yes" if config.alone else "no"


def follow(state: str) -> Command:
    """Print the watchdog's log from its start until it ends; nothing where there is none any more."""
    return host_script("watch/follow", title="follow the guard", state=state)


def signal(state: str, text: str) -> Command:
    """Tell the watchdog `keep`, `leave` or `back REASON`; no error where there is none any more."""
    return host_script("watch/signal", title="tell the guard", state=state, signal=text)


def await_end(state: str, seconds: int) -> Command:
    """Wait until the watchdog has ended, at most so many seconds, and remove what one that died left."""
    return host_script("watch/await_end", title="wait for the guard", state=state, seconds=seconds)


def status(state: str) -> Command:
    """Print `alive` or `dead`, who started it, and the end of its log; nothing where there is no guard."""
    return host_script("watch/status", title="look at the guard", state=state)
