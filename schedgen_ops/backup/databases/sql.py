"""What a backup, a drill and a restore ask PostgreSQL, as input of psql. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schedgen_ops import json_records
from schedgen_ops.backup.databases import properties

# Nothing may end this session early, and nothing waits for a lock for ever.
_QUIET = """\\set ON_ERROR_STOP on
SET idle_in_transaction_session_timeout = 0;
SET statement_timeout = 0;
SET lock_timeout = '60s';
SET row_security = off;
SET client_encoding = 'UTF8';
"""

# The snapshot is exported before anything else: whoever imports it sees what this transaction sees.
SNAPSHOT = (
    _QUIET
    + """BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT 'snapshot ' || pg_export_snapshot();
"""
)

# Every table whose rows pg_dump writes: not those of extensions, nor temporary ones.
ROWS = """SELECT format($q$SELECT 'rows ' || json_build_array(%L, count(*)) FROM ONLY %I.%I$q$,
    format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')
 ORDER BY 1
\\gexec
"""

_ABOUT = """SELECT 'postgres ' || current_setting('server_version');
SELECT 'size ' || pg_database_size(current_database());
SELECT 'role ' || to_json(rolname::text) FROM pg_roles WHERE rolname !~ '^pg_' ORDER BY rolname;
"""

# Another framework's table of that name is none: whatever it is like, the dump goes on without it.
_MIGRATIONS = """SELECT c.oid IS NOT NULL AS there, c.relkind IN ('r', 'p') AND 2 = (
    SELECT count(*) FROM pg_attribute
     WHERE attrelid = c.oid AND attname IN ('id', 'name') AND NOT attisdropped) AS listed
  FROM (SELECT to_regclass(quote_ident(:'table')) AS oid) AS found LEFT JOIN pg_class c ON c.oid = found.oid
\\gset
\\if :there
\\if :listed
SAVEPOINT migrations;
\\set ON_ERROR_STOP off
SELECT 'migration ' || to_json(name::text) FROM :"table" ORDER BY id;
\\set failed :ERROR
\\set ON_ERROR_STOP on
ROLLBACK TO migrations;
\\if :failed
\\set listed f
\\endif
\\endif
\\if :listed
\\else
SELECT 'unlisted';
\\endif
\\endif
"""

_LARGE = "SELECT 'large ' || count(*) FROM pg_largeobject_metadata;\n"
END = "SELECT 'counted';\n"


@dataclass(frozen=True, slots=True)
class Facts:
    """What the database said of itself.

    Attributes:
        rows: of each table, by schema.table.
        size: bytes on disk.
        unlisted: whether there is a table for migrations which is no list of them that is known here.
        large: how many large objects it holds; None where that was not asked.
        properties: what the database is besides what is in it.
    """

    rows: Mapping[str, int] = field(default_factory=dict)
    postgres: str = ""
    size: int = 0
    migrations: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    unlisted: bool = False
    large: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


def about(table: str) -> str:
    """Version, size, roles, applied migrations and rows, within the transaction of `SNAPSHOT`.

    Args:
        table: the one that lists the applied migrations; "" for none.
    """
    migrations = f"\\set table '{table}'\n{_MIGRATIONS}" if table else ""
    return f"{_ABOUT}{properties.ASK}{migrations}{ROWS}{END}"


def counted() -> str:
    """The rows of every table as they are now."""
    return f"{_QUIET}{ROWS}{_LARGE}{END}"


def parse(lines: Iterable[str]) -> Facts:
    """Reads the answer of `about` or `counted`.

    Raises:
        ValueError: for anything else, and where its end is missing.
    """
    rows: dict[str, int] = {}
    texts: dict[str, list[str]] = {"migration": [], "role": []}
    plain = {"postgres": "", "size": "0", "large": "-1", "properties": "{}"}
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
        plain["postgres"],
        int(plain["size"]),
        tuple(texts["migration"]),
        tuple(texts["role"]),
        "unlisted" in seen,
        int(plain["large"]) if plain["large"] != "-1" else None,
        json_records.decode(plain["properties"]),
    )


def differences(before: Mapping[str, int], now: Mapping[str, int]) -> tuple[str, ...]:
    """Where the rows of two databases differ, a sentence a table."""
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
