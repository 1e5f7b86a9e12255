"""known_hosts files: which keys a host may show, and the file and line that says so."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock
from typing import Any

from schedgen_ops.host.ssh_words import listed

REVOKED = "@revoked"
AUTHORITY = "@cert-authority"
_BLOCK = 64
_INNER = bytes(byte ^ 0x36 for byte in range(256))
_OUTER = bytes(byte ^ 0x5C for byte in range(256))


@dataclass(frozen=True, slots=True)
class Entry:
    """One line that names a host: its key's type and its base64 text, and the marker or "" before it."""

    file: str
    line: int
    kind: str
    key: str
    marker: str = ""

    @property
    def place(self) -> str:
        """The file and line, as editors and compilers write it."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Known:
    """What known_hosts says of a host.

    Attributes:
        keys: those that it may show, and those that are revoked.
        authorities: those whose signature makes a certificate of the host good.
        portless: keys under the host's name without its port: one of them is good too, and none is expected.
    """

    keys: tuple[Entry, ...] = ()
    authorities: tuple[Entry, ...] = ()
    portless: tuple[Entry, ...] = ()


def host_name(host: str, port: int) -> str:
    """Return the host's name as known_hosts files write it."""
    return host if port == 22 else f"[{host}]:{port}"


class KnownHosts:
    """The known_hosts files of a run, each read and taken apart once: hosts share the same few."""

    def __init__(self) -> None:
        self._files: dict[Path, Index] = {}
        self._lock = Lock()

    def find(self, files: Iterable[Path], name: str, portless: str = "") -> Known:
        """Return what the files that can be read say of `name`, in their order.

        Args:
            portless: the name without its port, which counts where `name` itself is not found.
        """
        indices = [self._index(file) for file in files]
        found = [entry for index in indices for entry in index.find(name)]
        if not found and portless and portless != name:
            return _known([], [entry for index in indices for entry in index.find(portless)])
        return _known(found, [])

    def _index(self, file: Path) -> Index:
        with self._lock:
            if file not in self._files:
                try:
                    content = file.read_text(encoding="utf-8", errors="replace")
                except OSError:
                    content = ""
                self._files[file] = Index(content, str(file))
            return self._files[file]


def entries(content: str, file: str, name: str) -> tuple[Entry, ...]:
    """Return the keys that one file has for `name`, hashed lines and wildcards included. Pure."""
    return tuple(entry for entry in Index(content, file).find(name) if entry.marker != AUTHORITY)


@dataclass(frozen=True, slots=True)
class _Hashed:
    """A name that was hashed with a salt: both halves of the HMAC begun, which is most of its work."""

    inner: Any
    outer: Any
    digest: bytes

    def names(self, name: bytes) -> bool:
        inner, outer = self.inner.copy(), self.outer.copy()
        inner.update(name)
        outer.update(inner.digest())
        return bool(outer.digest() == self.digest)


@dataclass
class Index:
    """The lines of one file, sorted by how they name hosts."""

    content: str
    file: str
    _plain: dict[str, list[Entry]] = field(default_factory=dict)
    _patterns: list[tuple[list[str], Entry]] = field(default_factory=list)
    _hashed: list[tuple[_Hashed, Entry]] = field(default_factory=list)

    def __post_init__(self) -> None:
        for number, line in enumerate(self.content.splitlines(), start=1):
            words = line.split()
            if not words or words[0].startswith("#"):
                continue
            marker = words.pop(0) if words[0].startswith("@") else ""
            if len(words) >= 3 and marker in ("", REVOKED, AUTHORITY):
                self._add(words[0], Entry(self.file, number, words[1], words[2], marker))
        self.content = ""

    def find(self, name: str) -> list[Entry]:
        """Return the lines that name `name`, in order."""
        name = name.lower()
        encoded = name.encode(errors="replace")
        found = list(self._plain.get(name, ()))
        found += [entry for patterns, entry in self._patterns if listed(patterns, name)]
        found += [entry for hashed, entry in self._hashed if hashed.names(encoded)]
        return sorted(found, key=lambda entry: entry.line)

    def _add(self, names: str, entry: Entry) -> None:
        if names.startswith("|1|"):
            hashed = _hashed(names)
            if hashed is not None:
                self._hashed.append((hashed, entry))
            return
        patterns = list(dict.fromkeys(names.lower().split(",")))
        if any(letter in names for letter in "*?!"):
            self._patterns.append((patterns, entry))
            return
        for one in patterns:
            self._plain.setdefault(one, []).append(entry)


def _hashed(names: str) -> _Hashed | None:
    try:
        _empty, _version, salt, digest = names.split("|")
        key = base64.b64decode(salt)
        if len(key) > _BLOCK:
            return None
        key = key.ljust(_BLOCK, b"\0")
        return _Hashed(
            hashlib.sha1(key.translate(_INNER)), hashlib.sha1(key.translate(_OUTER)), base64.b64decode(digest)
        )
    except ValueError:
        return None


def _known(found: list[Entry], portless: list[Entry]) -> Known:
    both = (*found, *portless)
    return Known(
        keys=(
            *(entry for entry in found if entry.marker != AUTHORITY),
            *(entry for entry in portless if entry.marker == REVOKED),
        ),
        authorities=tuple(entry for entry in both if entry.marker == AUTHORITY),
        portless=tuple(entry for entry in portless if not entry.marker),
    )
