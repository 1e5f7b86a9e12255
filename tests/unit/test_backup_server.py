"""What a database server is asked before a restore, and by whose clock a backup is dated."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from fakes import FakeHost
from kit import BACKUP, DATABASE, OBJECTS

from schedgen_ops.backup.catalog import host_time
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.backup.restore import server
from schedgen_ops.commands.docker import Docker
from schedgen_ops.databases.postgres import Server, parse_server, tablespaces
from schedgen_ops.errors import Refused
from schedgen_ops.fleet import Fleet

NOW = Server(150018, ("pg_default", "big"))
PLACE = DataLocation(Docker(), "db", "", "", "20250115_120000", DATABASE, OBJECTS)


def refuse(there: Server, backup: Manifest) -> None:
    server.refuse(json.dumps(asdict(there)), PLACE, backup, "app1")


@pytest.mark.parametrize(
    ("given", "there", "said"),
    [
        ({"tablespace": "fast", "tablespaces": ["big"]}, NOW, "has not: fast"),
        ({"tablespaces": ["big", "slow", "slower"]}, NOW, "has not: slow, slower"),
        ({"provider": "i"}, replace(NOW, version=140012), "PostgreSQL 14 does not know the locale"),
        ({"provider": "b"}, NOW, "PostgreSQL 15 does not know the locale"),
        ({"provider": "i", "rules": "&a < g"}, NOW, "PostgreSQL 15 does not know the locale"),
        ({}, replace(NOW, subscriptions=("s",)), "would go on with the old one: s"),
    ],
)
def test_what_the_server_cannot_hold_is_refused_with_the_reason(
    given: dict[str, Any], there: Server, said: str
) -> None:
    with pytest.raises(Refused, match=said) as caught:
        refuse(there, replace(BACKUP, properties=given))
    assert caught.value.hint
    assert caught.value.host == "app1"


@pytest.mark.parametrize("given", [{}, {"provider": "i", "tablespace": "big"}, {"tablespace": "pg_default"}])
def test_what_it_can_hold_is_not(given: dict[str, Any]) -> None:
    refuse(NOW, replace(BACKUP, properties=given))


@pytest.mark.parametrize("odd", [None, 5, {"a": 1}, "big"])
def test_properties_that_nobody_wrote_so_name_no_tablespace(odd: Any) -> None:
    assert tablespaces({"tablespaces": odd}) == ()


def test_the_answer_is_read_with_suspicion() -> None:
    assert parse_server('{"version": 150018, "slots": ["tail"]}') == Server(150018, (), ("tail",))
    with pytest.raises(ValueError, match=r".*"):
        parse_server("what?")
    assert server.parse_ended("ended tail\nactive\n\nended b") == ("tail", "b")


def test_shares_of_one_backup_have_one_name_though_the_hosts_clocks_differ() -> None:
    early, late = FakeHost("a"), FakeHost("b", {"look at the clock": "1736942460\n"})
    assert host_time.together(Fleet([early, late])) == datetime(2025, 1, 15, 12, 1, tzinfo=UTC)
    assert host_time.together(Fleet([])) is None
