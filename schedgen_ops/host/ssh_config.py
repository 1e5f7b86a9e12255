"""Our own reading of ssh_config, for where there is no ssh that could be asked, or it does not answer.

What is not understood is told once and ignored: a Host or Match line of that kind holds for no host.
"""

from __future__ import annotations

import glob
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from schedgen_ops.host import ssh_words
from schedgen_ops.host.ssh_keywords import ANSWERS, GROWING, KNOWN, LISTS, ONCE
from schedgen_ops.host.ssh_match import MatchQuery, host_line, match_line
from schedgen_ops.host.ssh_words import Unclear

Found = dict[str, str | list[str]]
SYSTEM = Path("/etc/ssh/ssh_config")
_USER = Path("~/.ssh/config")
_DEPTH = 16


def load(file: Path, tell: Callable[[str], None] = lambda _: None) -> OwnReading:
    """Read a file, to be asked about hosts; a missing one says nothing. The system's follows ~/.ssh/config.

    Args:
        tell: takes what is not understood, with file and line.
    """
    if is_default(file):
        return OwnReading((file, SYSTEM), tell, guarded=True)
    return OwnReading((file,), tell)


def is_default(file: Path) -> bool:
    """Return whether it is the file that ssh reads by itself."""
    return ssh_words.local(file) == ssh_words.local(_USER)


@dataclass
class OwnReading:
    """Files of ssh_config; the first word on something counts.

    Attributes:
        guarded: whether a file that others may write is left out, as ssh does with its own.
    """

    files: Sequence[Path]
    tell: Callable[[str], None] = lambda _: None
    guarded: bool = False
    _lines: dict[Path, list[str]] = field(default_factory=dict)

    def lookup(self, host: str, *, user: str = "", port: str = "") -> Found:
        """Return what the files say of a host, in the form that `ssh -G` has for it."""
        asked = MatchQuery(host, ssh_words.me(), user, port)
        self._read_all(asked)
        self._settle(asked, "hostname", lambda _: asked.hostname)
        asked.settled = True
        if asked.wants_final:
            asked.found.setdefault("hostname", host)
            asked.final = True
            self._read_all(asked)
        for keyword in ("userknownhostsfile", "identityagent"):
            self._settle(asked, keyword, lambda value: _expanded(value, asked))
        return asked.found

    def _read_all(self, asked: MatchQuery) -> None:
        for file in self.files:
            self._read(file, asked, file.parent, holds=True, depth=0)

    def _settle(self, asked: MatchQuery, keyword: str, settled: Callable[[str], str]) -> None:
        """Replace the tokens in a value, or drop the value."""
        try:
            value = asked.found.get(keyword)
            if isinstance(value, list):
                asked.found[keyword] = [settled(one) for one in value]
            elif value:
                asked.found[keyword] = settled(value)
        except Unclear as problem:
            del asked.found[keyword]
            self.tell(f"{keyword} in ssh_config is not used: {problem}")

    def _read(self, file: Path, asked: MatchQuery, folder: Path, *, holds: bool, depth: int) -> None:
        """One file; `holds` is whether the line that includes it does."""
        applies = holds
        for number, line in enumerate(self._content(file), start=1):
            keyword = ""
            try:
                keyword, rest = ssh_words.keyword(line)
                if keyword in ("host", "match"):
                    applies = _section(keyword, ssh_words.split(rest), asked, holds=holds)
                elif keyword == "include":
                    for included in _included(rest, folder, depth):
                        self._read(included, asked, folder, holds=applies, depth=depth + 1)
                elif keyword:
                    _take(keyword, rest, asked, applies=applies)
            except Unclear as problem:
                applies = applies and keyword not in ("host", "match")
                self.tell(f"{file}:{number} is ignored: {problem}")

    def _content(self, file: Path) -> list[str]:
        if file not in self._lines:
            self._lines[file] = self._loaded(file)
        return self._lines[file]

    def _loaded(self, file: Path) -> list[str]:
        try:
            with file.open("rb") as opened:
                status = os.fstat(opened.fileno())
                if self.guarded and (status.st_mode & 0o022 or status.st_uid not in (0, os.getuid())):
                    self.tell(f"{file} is ignored: others may write it, or it is somebody else's")
                    return []
                text = opened.read().decode("utf-8-sig", errors="surrogateescape")
        except FileNotFoundError:
            return []
        except OSError as problem:
            self.tell(f"{file} is ignored: {problem.strerror or problem}")
            return []
        return text.split("\n")


def _section(keyword: str, words: list[str], asked: MatchQuery, *, holds: bool) -> bool:
    if keyword == "host":
        return holds and host_line(words, asked)
    # Looked at where it cannot hold too: a `final` in it counts wherever it stands.
    return match_line(words, asked, holds=holds)


def _take(keyword: str, rest: str, asked: MatchQuery, *, applies: bool) -> None:
    if keyword not in KNOWN:
        raise Unclear(f"{keyword} is no keyword that is known here")
    if keyword not in ONCE | LISTS | GROWING or not applies:
        return
    words = [rest] if keyword in ssh_words.RAW else ssh_words.split(rest)
    if not words or not words[0]:
        raise Unclear(f"{keyword} without a value")
    found = asked.found
    if keyword in GROWING:
        value = found.setdefault(keyword, [])
        if isinstance(value, list) and words[0] not in value:
            value.append(words[0])
    elif keyword in LISTS:
        found.setdefault(keyword, words)
    elif not _is_other_said(keyword, found):
        found.setdefault(keyword, _checked(keyword, words[0]))


def _is_other_said(keyword: str, found: Found) -> bool:
    """Of a jump host and a proxy command the first counts; `ProxyJump none` leaves room for the other."""
    if keyword == "proxyjump":
        return "proxycommand" in found
    return keyword == "proxycommand" and found.get("proxyjump", "none") != "none"


def _checked(keyword: str, value: str) -> str:
    if keyword == "port" and not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
        raise Unclear(f"{value!r} is no port")
    if keyword in ANSWERS and value.lower() not in ANSWERS[keyword]:
        raise Unclear(f"{value!r} is no answer to {keyword}")
    return value


def _expanded(value: str, asked: MatchQuery) -> str:
    # IdentityAgent may name a variable that holds the path.
    if value.startswith("$") and not value.startswith("${"):
        return value
    return str(ssh_words.local(ssh_words.expand(value, asked.tokens)))


def _included(rest: str, folder: Path, depth: int) -> list[Path]:
    if depth >= _DEPTH:
        raise Unclear("files include one another")
    found: list[Path] = []
    for pattern in ssh_words.split(rest):
        # Unlike Path.glob, * finds no hidden files, which editors leave behind.
        named = glob.glob(str(folder / ssh_words.local(pattern)))  # noqa: PTH207
        found += map(Path, sorted(named))
    return found
