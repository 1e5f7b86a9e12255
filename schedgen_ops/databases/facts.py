"""The facts that a database tells of itself when it is backed up, drilled or restored. Pure.

How a line of them looks is in host_scripts/lib/database.bash, at `db_facts`; it is the same for every engine.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schedgen_ops import json_records


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts that a database told of itself.

    Attributes:
        rows: of each table, by schema.table.
        server: the server's version.
        size: bytes on disk.
        unlisted: whether there is a table for migrations which is no list of them that is known here.
        large: how many large objects it holds; None where that was not asked.
        properties: what the database is besides what is in it.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    server: str = ""
    size: int = 0
    migrations: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    unlisted: bool = False
    large: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


def parse(lines: Iterable[str]) -> Facts:
    """Read what `db_facts` or `db_count` printed.

    Raises:
        ValueError: for anything else, and where its end is missing.
    """
    rows: dict[str, int] = {}
    texts: dict[str, list[str]] = {"migration": [], "role": []}
    plain = {"server": "", "size": "0", "large": "-1", "properties": "{}"}
    seen: set[str] = set()
    for line in lines:
        word, _, rest = line.partition(" ")
        if word == "rows":
            table, count = json.loads(rest)
            rows[str(table)] = int(count)
        elif word in texts:
            texts[word].append(str(json.loads(rest)))
        elif word in plain:
            plain[word] = rest
        elif word in ("counted", "unlisted"):
            seen.add(word)
        else:
            raise ValueError(f"the database answered {line!r}")
    if "counted" not in seen:
        raise ValueError("the database did not answer to the end")
    return Facts(
        rows,
        plain["server"],
        int(plain["size"]),
        tuple(texts["migration"]),
        tuple(texts["role"]),
        "unlisted" in seen,
        int(plain["large"]) if plain["large"] != "-1" else None,
        json_records.decode(plain["properties"]),
    )


def differences(before: Mapping[str, int], now: Mapping[str, int]) -> tuple[str, ...]:
    """Return where the row counts of two databases differ, a sentence a table."""
    found = []
    for table in sorted({*before, *now}):
        then, have = before.get(table), now.get(table)
        if then == have:
            continue
        if have is None:
            found.append(f"{table} is missing")
        elif then is None:
            found.append(f"{table} should not be there")
        else:
            found.append(f"{table} has {have} rows instead of {then}")
    return tuple(found)
