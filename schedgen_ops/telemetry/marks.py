"""The listeners of a run, put together from the settings and this machine."""

from __future__ import annotations

from collections.abc import Iterable

from schedgen_ops.clock import Clock
from schedgen_ops.gated import Gated
from schedgen_ops.masking import Veil
from schedgen_ops.notify.team import surroundings
from schedgen_ops.settings import Settings
from schedgen_ops.settings.telemetry import Grafana
from schedgen_ops.telemetry.grafana import Annotator


def annotator(
    grafana: Grafana, settings: Settings, fleet: Iterable[Gated], clock: Clock, veil: Veil
) -> Annotator:
    """Return what tells Grafana of a run.

    Args:
        fleet: the hosts of the run.
        veil: masks what the run fetched.
    """

    def now() -> int:
        return int(clock.now().timestamp() * 1000)

    hosts = [host.remote for host in fleet]
    service = grafana.service
    chosen = [host for host in hosts if settings.host(host.name).runs(service)] if service else hosts[:1]
    return Annotator(grafana, chosen, surroundings(settings).by, now, now(), veil)
