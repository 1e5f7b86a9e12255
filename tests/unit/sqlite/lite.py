"""The program of SQLite inside its container: databases are files in the folder where it runs."""

from __future__ import annotations

import json
import re
import sqlite3
import sys
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path


def opened(name: str) -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(f"{name}.db", isolation_level=None))


def asked(name: str, sql: str) -> list[tuple[object, ...]]:
    assert Path(f"{name}.db").exists(), f"there is no {name}"
    with opened(name) as base:
        return list(base.execute(sql))


def copy(name: str, other: str) -> Iterable[str]:
    with opened(name) as one, opened(other) as two:
        one.backup(two)
    return ()


def dump(name: str) -> Iterable[str]:
    with opened(name) as base:
        return list(base.iterdump())


def load(name: str) -> Iterable[str]:
    with opened(name) as base:
        base.executescript(sys.stdin.read())
    return ()


def make(name: str, properties: str, mark: str) -> Iterable[str]:
    with opened(name) as base:
        base.execute(f"PRAGMA application_id = {int(json.loads(properties)['application'])}")
    Path(f"{name}.mark").write_text(mark)
    return ()


def count(name: str) -> Iterable[str]:
    for (table,) in asked(name, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY 1"):
        ((rows,),) = asked(name, f'SELECT count(*) FROM "{table}"')
        yield f"rows {json.dumps([table, rows])}"
    yield "counted"


def facts(name: str) -> Iterable[str]:
    ((application,),) = asked(name, "PRAGMA application_id")
    yield f"server {sqlite3.sqlite_version}"
    yield f"size {Path(f'{name}.db').stat().st_size}"
    yield f"properties {json.dumps({'application': application})}"
    yield from count(name)


def query(name: str, sql: str) -> Iterable[str]:
    return ["\t".join(map(str, row)) for row in asked(name, sql)]


def there(name: str) -> Iterable[str]:
    return (str(int(Path(f"{name}.db").exists())),)


def superseded(base: str, stem: str) -> Iterable[str]:
    for file in sorted(Path().glob(f"{stem}*.db")):
        if re.fullmatch(r"\d{8}_\d{6}", stamp := file.stem.removeprefix(stem)):
            mark = file.with_suffix(".mark")
            ours = mark.exists() and mark.read_text() == f'schedgen restore of "{base}" {stamp}'
            yield f"database {file.stem} {file.stat().st_size}" if ours else f"unmarked {file.stem}"


def rename(source: str, target: str, aside: str, mark: str) -> Iterable[str]:
    if Path(f"{source}.db").exists():
        assert Path(f"{source}.mark").read_text() == mark, "the database has no mark of this restore"
        if Path(f"{target}.db").exists():
            Path(f"{aside}.mark").write_text(mark)
            Path(f"{target}.db").rename(f"{aside}.db")
        Path(f"{source}.db").rename(f"{target}.db")
        Path(f"{source}.mark").unlink()
    return ()


def server() -> Iterable[str]:
    return (json.dumps({"version": sqlite3.sqlite_version}),)


ACTIONS: dict[str, Callable[..., Iterable[str]]] = {
    action.__name__: action
    for action in (copy, dump, load, make, count, facts, query, there, superseded, rename, server)
}
for line in ACTIONS[sys.argv[1]](*sys.argv[2:]):
    sys.stdout.write(f"{line}\n")
