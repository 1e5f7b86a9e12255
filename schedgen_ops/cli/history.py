"""What `inv history` and `inv history.stats` do with an operation."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from schedgen_ops import events, loading
from schedgen_ops.cli.history_tables import RUNS, STATS, Delivered, page, row, stat_row
from schedgen_ops.cli.looking import conclude, look
from schedgen_ops.commands import git
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.history.dora import stats
from schedgen_ops.history.runs import Journaled, PastRun, merged, past
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.release import store
from schedgen_ops.release.record import Release, State
from schedgen_ops.remote import Remote
from schedgen_ops.run_report.page import verdict
from schedgen_ops.run_report.told import told
from schedgen_ops.task_run import Operation, log_folder
from schedgen_ops.text import plural, seconds
from schedgen_ops.ui.journal import journals, read_counted
from schedgen_ops.ui.report import write_whole
from schedgen_ops.ui.tables import Table

_DEADLINE = 60.0
Times = Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a host told: its releases, and when the commits of each were made."""

    shelf: store.Shelf
    times: Times


def show(op: Operation, limit: int) -> None:
    """Show the last runs on all environments, or on that of --env, newest first.

    Raises:
        ConfigError: for a limit that is none.
        OpsError: where hosts are missing; what is known is shown before.
    """
    if limit < 1:
        raise ConfigError(f"--limit {limit} shows nothing", hint="For example --limit 20.")
    runs: list[PastRun] = []
    errors: list[OpsError] = []
    for there in _environments(op):
        seen = look(there, store.reader(there.settings))
        shelves = seen.ok
        journaled, foreign = _journaled(there.settings.environment, limit)
        torn = sum(len(shelf.torn) for shelf in shelves.values())
        _tell_unread(there, foreign, torn)
        releases = {host: shelf.releases for host, shelf in shelves.items()}
        runs += past(there.settings.environment, releases, journaled)
        errors += _missing(seen)
    shown = sorted(runs, key=lambda run: run.at, reverse=True)[:limit]
    empty = "Nothing is known: see the hosts that are missing." if errors else "Nothing was recorded yet."
    op.ui.show(Table(RUNS, tuple(map(row, shown)), empty=empty))
    _end(errors)


def deliveries(op: Operation, since: str, file: str) -> None:
    """Show how deliveries went: DORA's four keys, for every environment or that of --env.

    Args:
        since: how far back, such as 90d.
        file: where a page of it is written to; "" for none.

    Raises:
        ConfigError: for a time that is none, or a file that cannot be written.
    """
    try:
        until = op.clock.now()
        begun = until - timedelta(seconds=max(1.0, seconds(since)))
    except (ValueError, OverflowError):
        raise ConfigError(f"--since {since!r} is no time", hint="For example --since 90d.") from None
    found: list[Delivered] = []
    errors: list[OpsError] = []
    for there in _environments(op):
        seen = look(there, lambda remote, at=there: _ask(at, remote))  # type: ignore[misc]
        _tell_unread(there, 0, sum(len(one.shelf.torn) for one in seen.ok.values()))
        releases = merged({host: one.shelf.releases for host, one in seen.ok.items()})
        times = {key: value for one in seen.ok.values() for key, value in one.times.items()}
        figures = stats((one for one, _ in releases), times, begun, until) if seen.ok else None
        found.append(Delivered(there.settings.environment, figures, tuple(seen.errors)))
        errors += _missing(seen)
    _show(op, found, since)
    if file:
        _write(op, file, page(found, begun, until))
    _end(errors)


def _show(op: Operation, found: Sequence[Delivered], since: str) -> None:
    rows = [one for one in found if one.has_row]
    none = f"o deploy was recorded in the last {since}"
    only = " on the hosts that answered" if any(one.missing for one in found) else ""
    op.ui.show(Table(STATS, tuple(map(stat_row, rows)), empty=f"N{none}{only}."))
    for one in found:
        said = "" if one.has_row or not rows else f"n{none}"
        if text := ", ".join(filter(None, (said, one.note))):
            events.info(op.emit, f"{one.env}: {text}")


def _environments(op: Operation) -> Iterator[Operation]:
    """Every environment whose file can be read; one alone has to be."""
    if op.options.env is not None:
        op.settings  # noqa: B018 - raises what is wrong with its file
        yield op
        return
    folder = loading.files.find_folder(Path.cwd(), os.environ)
    for name in loading.files.environments(folder):
        there = op.elsewhere(name)
        try:
            there.settings  # noqa: B018 - the same
        except ConfigError as error:
            events.warn(op.emit, f"{name} is left out: {error.message}")
            continue
        yield there


def _ask(there: Operation, remote: Remote) -> _Seen:
    shelf = store.reader(there.settings)(remote)
    deploys = [one for one in shelf.releases if one.state is State.DONE and not one.restores]
    spans = {one.id: span for one in deploys if (span := _span(one, shelf))}
    if not spans:
        return _Seen(shelf, {})
    command = git.commit_times(tuple(dict.fromkeys(spans.values()))).in_dir(there.settings.directory)
    answer = remote.run(command, deadline=_DEADLINE, check=False)
    times = git.parse_commit_times(answer.stdout) if answer.ok else {}
    return _Seen(shelf, {name: times.get(span, ()) for name, span in spans.items()})


def _span(release: Release, shelf: store.Shelf) -> str:
    before = shelf.get(release.previous)
    if not release.commit or (before and not before.commit):
        return ""
    return f"{before.commit}..{release.commit}" if before else f"{release.commit}^!"


def _journaled(env: str, limit: int) -> tuple[list[Journaled], int]:
    """The newest runs that this machine's journals tell of, and how many lines could not be read."""
    found, foreign = [], 0
    for path in journals(log_folder(env), "", limit):
        try:
            lines, unread = read_counted(path)
        except OSError:
            foreign += 1
            continue
        run = told(lines, unread)
        foreign += run.foreign
        if run.command:
            what = " ".join(filter(None, (run.command, dict(run.labels).get("Branch", ""))))
            result = verdict(run.code)
            found.append(Journaled(run.command, run.run, what, result, run.begun, run.seconds, run.hosts))
    return found, foreign


def _tell_unread(there: Operation, lines: int, records: int) -> None:
    parts = [plural(lines, "line") + " of journals"] if lines else []
    parts += [plural(records, "record") + " on hosts"] if records else []
    if parts:
        events.warn(there.emit, f"{there.settings.environment}: {' and '.join(parts)} could not be read")


def _missing(seen: Outcomes[store.Shelf] | Outcomes[_Seen]) -> list[OpsError]:
    try:
        conclude(seen)
    except OpsError as error:
        return [error]
    return []


def _end(errors: list[OpsError]) -> None:
    if errors:
        raise errors[0]


def _write(op: Operation, file: str, text: str) -> None:
    try:
        path = write_whole(text, Path(file).expanduser())
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror or error}") from None
    op.ui.left("Report", path)
