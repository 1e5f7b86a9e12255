"""How the config tasks print."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from schedgen_ops.loading.force import Row
from schedgen_ops.loading.reading import Reading
from schedgen_ops.ui.terminal import Writer


def check(readings: tuple[Reading, ...], *, as_json: bool) -> None:
    """Show every problem of every environment, or that there is none."""
    if as_json:
        files = [
            {
                "environment": reading.environment,
                "file": reading.main.source,
                "problems": [asdict(problem) for problem in reading.problems],
            }
            for reading in readings
        ]
        Writer(sys.stdout).lines(json.dumps({"files": files}, indent=2))
        return
    for reading in readings:
        for problem in reading.problems:
            Writer(sys.stdout).lines(f"{'[WARN] ' if problem.pending else '[ERROR]'} {problem}")
        if not reading.problems:
            Writer(sys.stdout).lines(f"[INFO]  {reading.main.source}: no problems")


def show(reading: Reading, rows: tuple[Row, ...], *, as_json: bool) -> None:
    """Show what is in force, and where each value comes from."""
    if as_json:
        values = {row.path: {"value": row.value, "origin": row.origin} for row in rows}
        document = {"environment": reading.environment, "file": reading.main.source, "values": values}
        Writer(sys.stdout).lines(json.dumps(document, indent=2, ensure_ascii=False))
        return
    lines = [(row.path, _plain(row.value), row.origin) for row in rows]
    first = max(len(path) for path, _, _ in lines)
    second = min(48, max(len(value) for _, value, _ in lines))
    Writer(sys.stdout).lines(f"Environment {reading.environment}, from {reading.main.source}")
    for path, value, origin in lines:
        Writer(sys.stdout).lines(f"{path:<{first}}  {value:<{second}}  {origin}")


def schema(text: str) -> None:
    """Print the JSON schema, ready for a file."""
    Writer(sys.stdout).text(text)


def _plain(value: object) -> str:
    if isinstance(value, list):
        return f"[{', '.join(map(_plain, value))}]"
    return value if isinstance(value, str) else json.dumps(value)
