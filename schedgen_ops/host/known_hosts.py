"""known_hosts files: which keys a host may show, and the file and line that says so."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that names a host: its key's type and its base64 text, and @revoked or "" before it."""

    file: str
    line: int
    kind: str
    key: str
    marker: str = ""

    @property
    def place(self) -> str:
        """The file and line, as editors and compilers write it."""
        return f"{self.file}:{self.line}"


def host_name(host: str, port: int) -> str:
    """The host's name as known_hosts files write it."""
    return host if port == 22 else f"[{host}]:{port}"


class KnownHosts:
    """The known_hosts files of a run, each read once: hosts share the same few."""

    def __init__(self) -> None:
        self._contents: dict[Path, str] = {}

    def find(self, files: Iterable[Path], name: str) -> tuple[Entry, ...]:
        """The entries for `name` in the files that can be read, in order."""
        return tuple(entry for file in files for entry in entries(self._read(file), str(file), name))

    def _read(self, file: Path) -> str:
        if file not in self._contents:
            try:
                self._contents[file] = file.read_text(encoding="utf-8", errors="replace")
            except OSError:
                self._contents[file] = ""
        return self._contents[file]


def entries(content: str, file: str, name: str) -> tuple[Entry, ...]:
    """The lines of one file that name `name`, hashed lines and wildcards included. Pure."""
    found: list[Entry] = []
    for number, line in enumerate(content.splitlines(), start=1):
        words = line.split()
        if not words or words[0].startswith("#"):
            continue
        marker = words.pop(0) if words[0].startswith("@") else ""
        if len(words) >= 3 and marker in ("", "@revoked") and _names(words[0], name.lower()):
            found.append(Entry(file, number, words[1], words[2], marker))
    return tuple(found)


def _names(field: str, name: str) -> bool:
    if field.startswith("|1|"):
        return _hash_names(field, name)
    named = False
    for pattern in field.lower().split(","):
        if pattern.startswith("!"):
            if _matches(pattern[1:], name):
                return False
        elif not named:
            named = _matches(pattern, name)
    return named


def _hash_names(field: str, name: str) -> bool:
    try:
        _empty, _version, salt, digest = field.split("|")
        mac = hmac.new(base64.b64decode(salt), name.encode(), hashlib.sha1).digest()
        return hmac.compare_digest(mac, base64.b64decode(digest))
    except ValueError:
        return False


def _matches(pattern: str, name: str) -> bool:
    if "*" not in pattern and "?" not in pattern:
        return pattern == name
    expression = re.escape(pattern).replace(r"\*", ".*").replace(r"\?", ".")
    return re.fullmatch(expression, name) is not None
