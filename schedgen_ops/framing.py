"""What a host is sent on stdin: a line with the sizes, the parts, and nothing done before all is there. Pure.

A connection that dies looks like the end of the input. So half of a secret, of an SQL file or of a script
would be taken for the whole of it.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

from schedgen_ops.host_scripts import library

# What a command exits with whose input did not arrive whole.
CUT = 74
# Names of variables and their values.
Parts = Sequence[tuple[str, bytes]]
_DATA = "schedgen_data"


def received(text: str, parts: Parts, data: bytes, *, held: bool = False) -> tuple[str, bytes]:
    """Return a script that begins `text` once its input is whole, and the bytes to send to it."""
    # A variable of bash holds no NUL.
    binary = b"\0" in data
    parts = [*parts, *([(_DATA, base64.b64encode(data) if binary else data)] if data else ())]
    if not parts:
        return text, b""
    names = " ".join(name for name, _value in parts)
    sizes = " ".join(str(len(value)) for _name, value in parts)
    lines = [f"{library('framing')}schedgen_whole {'held' if held else 'all'} {names}"]
    if data:
        decoded = " | base64 -d" if binary else ""
        say = f'exec 2>/dev/null; printf %s "${_DATA}"{decoded}'
        lines.append(f"exec < <({f'{say}; exec cat' if held else f'exec </dev/null; {say}'}); unset {_DATA}")
    elif not held:
        lines.append("exec </dev/null")
    return "\n".join((*lines, text)), f"{sizes}\n".encode() + b"".join(value for _name, value in parts)
