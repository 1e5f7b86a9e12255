"""A drafted config as a file's text. Pure."""

from __future__ import annotations

import json
import re
import sys
import textwrap
from collections.abc import Iterable, Iterator

import yaml

from schedgen_ops.drafting.draft import Entry

_WIDTH, _COLUMN = 110, 40
# What YAML takes for nothing but this text.
_PLAIN = re.compile(r"[A-Za-z_/][A-Za-z0-9_./@-]*\Z")
_WORDS = frozenset(("true", "false", "yes", "no", "on", "off", "null", "y", "n"))


def text(entries: Iterable[Entry], head: str) -> str:
    """Return a config file.

    Args:
        head: what stands above it, as a comment.
    """
    lines = ["# yaml-language-server: $schema=schema.json", *_remark(head), ""]
    for entry in entries:
        lines += _remark(entry.why) if not entry.key else _part(entry)
    return "\n".join(lines) + "\n"


def _remark(said: str) -> list[str]:
    return textwrap.wrap(
        _printable(said), _WIDTH, initial_indent="# ", subsequent_indent="#   ", break_long_words=False
    )


def _part(entry: Entry) -> Iterator[str]:
    first, *more = _lines(entry.key, entry.value)
    beside = f"{first:<{_COLUMN - 1}} # {_printable(entry.why)}" if entry.why else first
    if len(beside) > _WIDTH:
        yield from _remark(entry.why)
        beside = first
    yield beside
    yield from more


def _printable(said: str) -> str:
    return "".join(each if each.isprintable() else " " for each in said)


def _lines(key: str, value: object) -> list[str]:
    if isinstance(value, list) and value and all(isinstance(row, dict) for row in value):
        return [f"{key}:", *(f"  - {_flow(row)}" for row in value)]
    if isinstance(value, dict):
        return [f"{key}:", *(f"  {name}: {_flow(each)}" for name, each in value.items())]
    return [f"{key}: {_flow(value)}"]


def _flow(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flow, value)) + "]"
    if isinstance(value, str) and _PLAIN.match(value) and value.lower() not in _WORDS:
        return value
    if isinstance(value, str):
        return yaml.safe_dump(value, default_style='"', allow_unicode=True, width=sys.maxsize).rstrip("\n")
    return json.dumps(value)
