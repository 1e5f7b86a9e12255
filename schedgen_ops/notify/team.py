"""The notifier of a run, put together from the settings and this machine."""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable, Mapping
from pathlib import Path

from schedgen_ops.clock import Clock
from schedgen_ops.notify.delivery import Delivery
from schedgen_ops.notify.listener import Notifier
from schedgen_ops.notify.notice import Surroundings
from schedgen_ops.settings import Settings
from schedgen_ops.ui.journal import journals, run_seconds

# As many earlier runs tell how long one takes.
_RUNS = 5


def notifier(settings: Settings, clock: Clock, folder: Path, log: Callable[[], Path | None]) -> Notifier:
    """Return what tells the team of a run.

    Args:
        folder: where earlier runs on the environment left their journals.
        log: gives the path of the run's log.
    """
    return Notifier(
        delivery(settings),
        surroundings(settings),
        clock.now,
        lambda command: run_seconds(journals(folder, command, _RUNS)),
        lambda: str(log() or ""),
    )


def delivery(settings: Settings, environ: Mapping[str, str] = os.environ) -> Delivery:
    """Return what sends to the receivers of an environment."""
    return Delivery(settings.notify.to, environ, settings.notify.deadline)


def surroundings(settings: Settings, environ: Mapping[str, str] = os.environ) -> Surroundings:
    """Return what messages say beside what a run tells."""
    machine = socket.gethostname()
    link = environ.get(settings.notify.link, "") if settings.notify.link else ""
    contacts = tuple((one.name, one.contact) for one in settings.escalation)
    return Surroundings(f"{getpass.getuser()}@{machine}", machine, link, contacts)
