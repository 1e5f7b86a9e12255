"""What every engine of a database has to do: one suite for all, run through the product's own flows.

A test module inherits `DatabaseContract` and has a fixture `server`, which serves databases of its engine.
"""

from __future__ import annotations

import gzip
import os
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol, cast

import pytest

from schedgen_ops.backup.catalog import superseded
from schedgen_ops.backup.catalog.manifest import Kind, Manifest
from schedgen_ops.backup.create import run
from schedgen_ops.backup.create.failing import Source
from schedgen_ops.backup.data_location import running
from schedgen_ops.backup.restore import drill
from schedgen_ops.backup.restore.row_diff import row_diff
from schedgen_ops.backup.restore.run import DATABASE, Restore
from schedgen_ops.clock import SystemClock
from schedgen_ops.command_errors import checked
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.events import Event, Message
from schedgen_ops.host_context import HostContext
from schedgen_ops.release.record import NO_RELEASE
from schedgen_ops.remote import CAPTURE_LIMIT, Remote, Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

TABLE = "CREATE TABLE t (x int); INSERT INTO t VALUES (1), (2);"


@dataclass(frozen=True)
class Here:
    """This machine as a host: commands run by its own bash, in a folder."""

    folder: Path
    env: tuple[tuple[str, str], ...] = ()
    name: str = "app1"

    def run(
        self, command: Command, *, deadline: float, check: bool = True, limit: int = CAPTURE_LIMIT
    ) -> Result:
        data = command.stdin or b""
        # A file: one argument may have 128 KiB.
        text = self.folder / "command"
        text.write_text(command.text)
        done = subprocess.run(
            ["bash", "--norc", "-o", "pipefail", str(text)],
            input=data.encode() if isinstance(data, str) else data,
            cwd=self.folder, capture_output=True, check=False, timeout=deadline,
            env={**os.environ, "LC_ALL": "C.UTF-8", **dict(self.env)},
        )  # fmt: skip
        said = (done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))
        reply = Result(*said, done.returncode, 0.0)
        return checked(command, reply, self.name) if check else reply

    def batch(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        return tuple(self.run(command, deadline=deadline, check=False) for command in commands)

    def stream(
        self, command: Command, on_line: Callable[[str], None], *, deadline: float, check: bool = True
    ) -> Result:
        reply = self.run(command, deadline=deadline, check=check)
        for line in (*reply.stdout.splitlines(), *reply.stderr.splitlines()):
            on_line(line)
        return reply


class Server(Protocol):
    """A server of the engine, in a container that looks like a Compose service."""

    @property
    def host(self) -> Here:
        """The host that it is on."""

    def new(self, name: str, sql: str) -> Case:
        """A database with what `sql` makes in it."""

    def tell(self, name: str, sql: str) -> object:
        """Statements, done in one of its databases."""

    def names(self) -> set[str]:
        """The databases that are there."""

    def dumped(self, name: str) -> bytes:
        """All that is in a database."""

    def about(self, name: str) -> dict[str, object]:
        """What a database is besides."""

    def config(self, name: str, form: str, queries: Sequence[str]) -> Settings:
        """An environment with one of its databases."""


@dataclass
class Case:
    """A database on its way through backup, drill, restore, exchange, and back."""

    server: Server
    name: str
    told: tuple[Event, ...] = ()
    queries: tuple[str, ...] = ()

    @property
    def host(self) -> Remote:
        return cast(Remote, self.server.host)

    def settings(self, form: str = "plain") -> Settings:
        return self.server.config(self.name, form, self.queries)

    def context(self, config: Settings | None = None) -> HostContext:
        """What a capability is handed of it."""
        return HostContext(self.host, config or self.settings(), SystemClock(), self.hear)

    def backup(self, form: str = "plain") -> Manifest:
        """A backup, made in a second of its own."""
        host = self.context(self.settings(form))
        source = Source(NO_RELEASE, "", running(host))
        next_second()
        only = frozenset({"database"})
        return run.create(host, Kind.MANUAL, source, only)

    def drilled(self, backup: Manifest) -> Manifest:
        return drill.drill(self.context(), backup)

    def restore(self, backup: Manifest) -> Restore:
        return Restore(self.context(), backup, DATABASE)

    def picture(self) -> tuple[bytes, dict[str, object]]:
        """Everything that must not change."""
        return self.server.dumped(self.name), self.server.about(self.name)

    @property
    def said(self) -> tuple[str, ...]:
        """The lines that an operator was told."""
        return tuple(event.text for event in self.told if isinstance(event, Message))

    def hear(self, event: Event) -> None:
        self.told = (*self.told, event)


def next_second() -> None:
    """Waits until what is named after the time is named otherwise."""
    subprocess.run(["sleep", "1.01"], check=True)


def there_and_back(case: Case, form: str) -> None:
    """Through everything; what serves is the same at every stop."""
    first, around = case.picture(), case.server.names()
    backup = case.backup(form)
    assert case.drilled(backup).proven
    one = case.restore(backup)
    one.check()
    one.prepare()
    one.swap()
    assert case.picture() == first
    assert case.server.names() - around == {one.location.before}
    one.back()
    one.drop()
    assert case.picture() == first
    assert case.server.names() == around


class DatabaseContract:
    """The suite."""

    def test_it_goes_through_everything_and_is_the_same_at_every_stop(self, server: Server) -> None:
        there_and_back(server.new("shop", TABLE), "plain")

    def test_a_restore_brings_back_what_was_there_and_keeps_what_is(self, server: Server) -> None:
        case = server.new("again", TABLE)
        first, backup = case.picture(), case.backup()
        assert (sum(backup.rows.values()), bool(backup.server)) == (2, True)
        assert backup.sizes["database"] > 0
        server.tell("again", "INSERT INTO t VALUES (3)")
        changed = case.picture()
        assert ["1 rows would be lost" in str(each) for each in row_diff(case.context(), backup)] == [True]
        one = case.restore(backup)
        one.prepare()
        one.swap()
        one.swap()
        assert (case.picture(), row_diff(case.context(), backup)) == (first, ())
        one.back()
        one.back()
        assert case.picture() == changed
        one.swap()
        one.settle()
        assert set(superseded.look(case.context())) == {one.location.before}
        one.discard_old()
        one.discard_old()
        assert one.location.before not in server.names()
        assert case.picture() == first

    def test_what_an_interrupted_restore_left_goes_with_the_next(self, server: Server) -> None:
        case = server.new("unfinished", TABLE)
        backup = case.backup()
        old, one = case.restore(backup), case.restore(backup)
        old.prepare()
        next_second()
        one.prepare()
        assert {old.location.new, one.location.new} & server.names() == {one.location.new}
        one.drop()
        one.drop()
        assert one.location.new not in server.names()

    def test_neighbours_whose_names_look_like_ours_are_left_alone(self, server: Server) -> None:
        case = server.new("near", TABLE)
        strangers = ("near_new_design", "near_new_20240101_000000", "near_before_20240101_000000")
        for name in strangers:
            server.new(name, TABLE)
        one = case.restore(case.backup())
        one.prepare()
        one.swap()
        assert set(superseded.look(case.context())) == {one.location.before}
        assert [text.split()[0] for text in case.said if "has no mark" in text] == [strangers[2]]
        for name in strangers[1:]:
            with pytest.raises(OpsError, match="has no mark of a restore, and stays"):
                superseded.discard(case.context(), (name,))
        assert server.names() >= {*strangers}
        one.discard_old()

    def test_a_dump_that_is_cut_off_is_no_backup(self, server: Server) -> None:
        case = server.new("cut", TABLE)
        backup = case.backup()
        (file,) = backup.files
        path = server.host.folder / "backups" / backup.id / file.name
        text = gzip.decompress(path.read_bytes())
        path.write_bytes(gzip.compress(text[: len(text) // 2]))
        assert "database.sql.gz is not a complete dump" in run.verify(case.context(), backup)
        with pytest.raises(OpsError):
            case.restore(backup).check()

    def test_a_drill_asks_what_it_is_told_to_however_much_that_is(self, server: Server) -> None:
        case = server.new("asked", TABLE)
        backup, around = case.backup(), server.names()
        case.queries = tuple(f"SELECT count(*) FROM t -- {'x' * 9000} {n}" for n in range(15))
        assert case.drilled(backup).proven
        case.queries = ("SELECT count(*) FROM t WHERE x > 2",)
        with pytest.raises(OpsError, match="answered '0'"):
            case.drilled(backup)
        with pytest.raises(OpsError, match="answered '0'"):
            case.restore(backup).prepare()
        case.queries = ("SELECT nothing FROM nowhere",)
        with pytest.raises(OpsError, match="a query failed"):
            case.drilled(backup)
        assert server.names() == around

    def test_a_backup_of_another_engine_is_refused_before_anything_is_asked(self, server: Server) -> None:
        case = server.new("foreign", TABLE)
        backup = replace(case.backup(), engine="another")
        with pytest.raises(OpsError, match="is of a database of another"):
            case.restore(backup).prepare()
        with pytest.raises(Refused, match="is of a database of another"):
            case.drilled(backup)
