"""Who hears of a run beside the ui: Grafana and the traces, the team, and the run's own report."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from schedgen_ops.telemetry import traced

# Each is imported where a run asks for it: none of them must cost those who do not.
if TYPE_CHECKING:
    from schedgen_ops.clock import Clock
    from schedgen_ops.fleet import Fleet
    from schedgen_ops.notify.listener import Notifier
    from schedgen_ops.run_report.team import TeamTold
    from schedgen_ops.settings import Settings
    from schedgen_ops.ui.session import Ui


def attach(ui: Ui, settings: Settings, fleet: Fleet, clock: Clock, stack: ExitStack, folder: Path) -> None:
    """Let everybody listen who is to hear of a run; each is waited for at the end, not for long.

    Args:
        stack: closes the hosts' connections; what has to reach a host at the end comes before that.
        folder: where the environment's runs leave their logs.
    """
    _annotate(ui, settings, fleet, clock, stack)
    _trace(ui)
    _report(ui, clock, _tell_the_team(ui, settings, clock, folder))


def _annotate(ui: Ui, settings: Settings, fleet: Fleet, clock: Clock, stack: ExitStack) -> None:
    if grafana := settings.grafana:
        from schedgen_ops.telemetry import marks

        annotator = marks.annotator(grafana, settings, fleet, clock, ui.veil)
        ui.listen(annotator.handle, annotator.close)
        stack.push(annotator.over)


def _trace(ui: Ui) -> None:
    if traced(os.environ):
        from schedgen_ops.telemetry import otel

        tracer = otel.Tracer(os.environ)
        ui.listen(tracer.handle, tracer.close)


def _tell_the_team(ui: Ui, settings: Settings, clock: Clock, folder: Path) -> Notifier | None:
    if not settings.notify.to:
        return None
    from schedgen_ops.notify import team

    notifier = team.notifier(settings, clock, folder, lambda: ui.log_path)
    ui.listen(notifier.handle, tuple)
    return notifier


def _report(ui: Ui, clock: Clock, notifier: Notifier | None) -> None:
    """Leave the run's report once the team was told, so that it says whom that did not reach."""
    from schedgen_ops.run_report.reporter import Reporter

    reporter = Reporter(lambda: ui.journal_path, clock.now)

    def end() -> Iterator[str]:
        yield from notifier.close() if notifier else ()
        try:
            if report := reporter.write(_told(notifier)):
                ui.left("Report", report)
        except OSError as error:
            yield f"The report cannot be written: {error.strerror or error}"

    ui.listen(reporter.handle, end)


def _told(notifier: Notifier | None) -> TeamTold:
    from schedgen_ops.run_report.team import NOBODY, Announced, TeamTold

    if notifier is None:
        return NOBODY
    sent = notifier.sent()
    return TeamTold(*(Announced(len(one), tuple(filter(None, one.values()))) for one in sent))
