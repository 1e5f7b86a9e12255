"""The commands of a watch that goes on without a laptop: it is started, looked at, ended. Pure."""

from __future__ import annotations

import json
from typing import Any

from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import host_script, program
from schedgen_ops.shell import LOCALE, Command, Secret, Value
from schedgen_ops.watch import round_stats, sampler
from schedgen_ops.watch.stats import WatchStats

# Bytes of samples; rounds beyond it are thinned.
MOST = 16 << 20
# The variable that brings a host the address at which it tells the team.
WEBHOOK = "schedgen_webhook"


def start(
    docker: Docker,
    project: str,
    state: str,
    stats: WatchStats,
    owner: dict[str, str],
    *,
    replaces: bool,
    webhook: Secret | None = None,
    whose: str = "",
) -> Command:
    """Start a watch and return when it is at work; it fails with 7 and prints the owner where one watches.

    Args:
        stats: of a watch that has not begun.
        owner: who starts it: user, machine, since.
        replaces: whether one that watches is ended.
        webhook: where the host tells the team that the verdict turned bad; None for nowhere.
        whose: who speaks then.
    """
    told = json.dumps({**owner, "spec": _spec(stats)})
    command = host_script(
        "watch/detach",
        title="start the watch",
        state=state,
        owner=told,
        replaces="yes" if replaces else "no",
        whose=whose,
    )
    command = command.with_secret(WEBHOOK, webhook) if webhook else command
    return command.with_stdin(LOCALE + program("watch/detached", **_values(docker, project, state, stats)))


def _values(docker: Docker, project: str, state: str, stats: WatchStats) -> dict[str, Value]:
    return {
        **sampler.of_watch(docker, project, stats, stats.rounds.planned).values,
        "state": state,
        "most": MOST,
        "gap": round_stats.SLACK // stats.rounds.interval,
        "within": " ".join(f"{check.within:g}" for check in stats.checks),
        "wanted": " ".join(str(check.status or "-") for check in stats.checks),
        "services": stats.services,
        "consecutive": stats.limits.consecutive_failures,
        "percent": stats.limits.error_percent,
        "adopts": "yes" if stats.adopts else "no",
    }


def _spec(stats: WatchStats) -> dict[str, Any]:
    return {
        "checks": [check.model_dump(mode="json") for check in stats.checks],
        "services": stats.services,
        "limits": stats.limits.model_dump(mode="json"),
        "ignore": stats.ignore,
        "adopts": stats.adopts,
        "duration": stats.rounds.duration,
        "interval": stats.rounds.interval,
    }


def look(state: str, *, samples: bool) -> Command:
    """Tell how the watch stands, for `kept.Kept` to read; nothing where there never was one.

    Args:
        samples: whether all that it kept is printed too.
    """
    title = "read what the watch kept" if samples else "look at the watch"
    return host_script("watch/detached_look", title=title, state=state, samples="yes" if samples else "no")


def stop(state: str) -> Command:
    """End the watch, with what it has kept left there; print `none` where there is none."""
    return host_script("watch/detached_stop", title="end the watch", state=state)


def whose(owner: str) -> str:
    """Return who watches a host since when, by the owner that `start` prints; a sentence's subject."""
    try:
        told = json.loads(owner)
        return f"{told['user']}@{told['machine']}, since {told['since']},"
    except (ValueError, TypeError, KeyError):
        return "Somebody"
