"""What `inv monitor.open` and `monitor.query` do with an operation."""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Mapping
from contextlib import ExitStack

from schedgen_ops import events
from schedgen_ops.backup.catalog import host_time
from schedgen_ops.cli.choosing import among
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.monitor import open as opening
from schedgen_ops.monitor import query as querying
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Prometheus
from schedgen_ops.task_run import Operation
from schedgen_ops.text import seconds
from schedgen_ops.ui.tables import Column, Table


def open_(op: Operation, *, browser: bool) -> None:
    """Open the dashboards of all hosts here, until Ctrl-C.

    Args:
        browser: whether a browser is opened on them too.

    Raises:
        ConfigError: where the configuration names none.
    """
    if not op.settings.dashboards:
        hint = "For example in the config: dashboards: [{name: grafana, port: 3002}]"
        raise ConfigError("no dashboards are configured", hint=hint)

    def failed(host: str, text: str) -> None:
        events.warn(op.emit, text, host)

    with ExitStack() as stack:
        found = tuple(opening.opened(stack, op.fleet, op.settings, failed))
        rows = tuple((each.host, each.name, each.url) for each in found)
        op.ui.show(Table(("Host", "Dashboard", "Here"), rows))
        if op.options.json:
            return
        for each in found if browser else ():
            webbrowser.open(each.url)
        events.info(op.emit, "They are open until Ctrl-C")
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return


def query(op: Operation, text: str, since: str) -> None:
    """Show what Prometheus on each host answers, a line a series.

    Raises:
        ConfigError: for a question that is none, and where there is no Prometheus to ask.
    """
    prometheus = op.settings.verify.prometheus
    if prometheus is None:
        raise ConfigError("no Prometheus is configured", hint="`verify.prometheus` in the config names it.")
    if not text.strip():
        raise ConfigError(
            "there is no question", hint="For example: inv monitor.query 'rate(http_requests_total[5m])'"
        )
    span = _span(since)
    hosts = [h for h in op.settings.hosts if prometheus.service is None or h.runs(prometheus.service)]
    fleet = among(op, hosts, "Prometheus runs")
    rows = Rows(op, ("Host", "Series", Column("Last"), Column("Least"), Column("Most"), f"Last {since}"))

    def show(came: Mapping[str, tuple[querying.QuerySeries, ...]]) -> None:
        rows.add([_row(host, series) for host, found in came.items() for series in found])

    seen = look(op, lambda remote: _asked(remote, prometheus, text, span), show, fleet)
    rows.end(seen, "No series fits.")
    conclude(seen)


def _span(since: str) -> float:
    try:
        span = seconds(since)
    except ValueError:
        span = 0.0
    if span <= 0:
        raise ConfigError(f"--since {since!r} is no time span", hint="For example 10m, 2h, 1d.")
    return span


def _asked(
    remote: Remote, prometheus: Prometheus, text: str, span: float
) -> tuple[querying.QuerySeries, ...]:
    now = host_time.now(remote).timestamp()
    answer = remote.run(querying.ask(prometheus.url, text, now, span), deadline=60, check=False)
    try:
        return querying.parse(answer.stdout)
    except ValueError as error:
        hint = f"It was asked at {prometheus.url} on the host."
        raise OpsError(f"Prometheus does not answer that: {error}", host=remote.name, hint=hint) from None


def _row(host: str, series: querying.QuerySeries) -> tuple[str, ...]:
    known = series.known
    figures = (known[-1], min(known), max(known)) if known else ()
    last, least, most = (f"{value:g}" for value in figures) if figures else ("", "", "")
    return (host, series.labels, last, least, most, querying.line(series))
