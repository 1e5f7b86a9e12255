"""The input of a script that makes a database and loads its dump. Pure."""

from __future__ import annotations

import json

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.backup.databases import properties


def given(backup: m.Manifest) -> str:
    """Return what lib/loading.bash reads on stdin: roles, properties and tablespaces, a line of JSON each.

    They travel on stdin: a database's settings may hold secrets, and a word of a command is visible.
    """
    parts = (list(backup.roles), dict(backup.properties), list(properties.tablespaces(backup.properties)))
    return "".join(f"{json.dumps(part, ensure_ascii=False)}\n" for part in parts)
