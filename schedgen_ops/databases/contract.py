"""What a database's engine can do for backups, restores and verifications: the part of it that is Python.

What runs on a host is the engine's script: the functions that host_scripts/lib/database.bash lists. Nothing
else is asked of an engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from schedgen_ops.commands.docker import Docker
from schedgen_ops.settings import Database, Settings
from schedgen_ops.shell import Command


@dataclass(frozen=True, slots=True)
class FailureCause:
    """A cause of a failure that an operator can remedy."""

    sentence: str
    hint: str


@dataclass(frozen=True, slots=True)
class Saved:
    """A database as a backup has it.

    Attributes:
        backup: the backup's id, for messages.
        version: of the server that it was made by.
        properties: what `db_facts` told of it besides its content.
    """

    backup: str
    version: str = ""
    properties: Mapping[str, Any] = field(default_factory=dict)


class DatabaseEngine(Protocol):
    """An engine of databases. Everything is pure: commands are built, and answers are read.

    Attributes:
        title: what a reader calls it.
        client: what messages call the program that asks it.
        followers_are: what follows a database elsewhere and ends with it, in the plural, lower case.
        away: a regular expression, in lower case, of what its programs say where no server answers.
        damage: regular expressions of what it writes when it gives up on its files.
    """

    title: str
    client: str
    followers_are: str
    away: str
    damage: tuple[str, ...]

    def recognised(self, service: Mapping[str, Any]) -> Mapping[str, str] | None:
        """Return the `user` and `name` of the database in a service that is its server, else None.

        Args:
            service: as the compose file has it.
        """

    def size(self, docker: Docker, container: str, database: Database) -> Command:
        """Tell the database's bytes on disk, as a number alone."""

    def queries(self, database: Database, statements: Sequence[str]) -> tuple[str, ...]:
        """Return the words, in its container, that answer statements in one session, for `parse_queries`."""

    def parse_queries(self, stdout: str) -> tuple[tuple[str, float], ...]:
        """Return each statement's rows, fields between tabs, and its seconds."""

    def reading(self, database: Database, **variables: str) -> tuple[str, ...]:
        """Return the words, in its container, that run the statements on stdin as one transaction.

        Args:
            variables: values that the statements name as :'name'.
        """

    def session(self, database: Database, *, interactive: bool, read_only: bool) -> tuple[str, ...]:
        """Return the words, in its container, of its client on the database; no word is a password.

        Args:
            interactive: whether a person types; else statements are on stdin, all of them, and the first
                that fails ends it with an exit status other than 0.
            read_only: whether what changes something is refused, unless the session itself allows it.
        """

    def by_hand(self, database: Database, form: str) -> tuple[str, ...]:
        """Return the words, in its container, by which an operator restores a dump that is on stdin.

        Args:
            form: plain or custom.
        """

    def told(self, roles: Iterable[str], properties: Mapping[str, Any]) -> str:
        """Return what `db_read_told` reads on stdin of the database in a backup; it may hold secrets."""

    def refusals(self, answer: str, saved: Saved) -> Iterator[tuple[str, str]]:
        """Yield why a server cannot hold a saved database as it was, and a hint for each.

        Args:
            answer: of `db_server`.

        Raises:
            ValueError: where that is something else.
        """

    def followers(self, answer: str) -> tuple[str, ...]:
        """Return the names of what follows the database, by the answer of `db_server`.

        Raises:
            ValueError: where that is something else.
        """

    def connections(self) -> str:
        """Return the statement that tells how many sessions the server has, and how many it may have."""

    def locks(self) -> str:
        """Return the statement that names sessions which wait for a lock, and who holds it: a row each.

        The fields: of the one that waits its id, program, seconds and query; of the one that holds the lock
        its id, user, program, address, state, seconds of its transaction and query.
        """

    def ending(self, session: int) -> str:
        """Return the statement that ends a session of this database; its answer is t where there was one.

        Args:
            session: its id, as `locks` tells it.
        """

    def causes(self, settings: Settings, database: Database) -> Iterator[tuple[str, FailureCause]]:
        """Yield regular expressions, in lower case, of what its programs say, with the cause of each."""
