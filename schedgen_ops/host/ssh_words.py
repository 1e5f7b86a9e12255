"""The words of a line of ssh_config, as OpenSSH takes it apart, and the tokens in its values."""

from __future__ import annotations

import getpass
import os
import re
import socket
from collections.abc import Mapping
from functools import cache
from pathlib import Path

_KEYWORD = re.compile(r'\s*"?([^\s="]+)"?[ \t]*=?[ \t]*(.*)', re.DOTALL)
_TOKEN = re.compile(r"%(.)|%$|\$\{([^}]*)\}")
# These take the rest of the line as it stands: it is for a shell.
RAW = frozenset({"proxycommand", "remotecommand", "localcommand", "knownhostscommand"})


class Unclear(ValueError):
    """Something that cannot be understood; the text says what."""


def keyword(line: str) -> tuple[str, str]:
    """Return the keyword of a line in small letters, and what follows; "" for a comment or an empty line."""
    line = line.strip(" \t\r\n\f")
    if "\0" in line:
        raise Unclear("there is a zero byte in it")
    if not line or line.startswith("#"):
        return "", ""
    found = _KEYWORD.fullmatch(line)
    if found is None:
        raise Unclear(f"{line!r} has no keyword")
    return found[1].lower(), found[2]


def split(text: str) -> list[str]:
    """Return the words of a value: quotes hold one together, and a # that starts one begins a comment.

    Raises:
        Unclear: where a quote is not closed.
    """
    words: list[str] = []
    position = 0
    while True:
        while position < len(text) and text[position] in " \t":
            position += 1
        if position == len(text) or text[position] == "#":
            return words
        word, position = _word(text, position)
        words.append(word)


def expand(text: str, tokens: Mapping[str, str], *, environment: bool = True) -> str:
    """Return `text` with %h, %% and the like replaced, and ${NAME} by what the environment says.

    Raises:
        Unclear: for a token or a variable that there is not.
    """

    def value(found: re.Match[str]) -> str:
        if found[2] is not None:
            if not environment:
                return found[0]
            if found[2] not in os.environ:
                raise Unclear(f"there is no variable {found[2]}")
            return os.environ[found[2]]
        if found[1] == "%":
            return "%"
        if found[1] not in tokens:
            raise Unclear(f"{found[0]} in {text!r} is no token that is known here")
        return tokens[found[1]]

    return _TOKEN.sub(value, text)


def tokens(original: str, hostname: str, user: str, port: str, alias: str = "") -> dict[str, str]:
    """Return what the tokens stand for: the host as named, as it is connected to, and this machine."""
    here = socket.gethostname()
    return {
        "h": hostname,
        "n": original,
        "p": port,
        "r": user,
        "k": alias or original,
        "u": me(),
        "d": str(Path.home()),
        "i": str(os.getuid()),
        "L": here.partition(".")[0],
        "l": here,
    }


def local(path: str | Path) -> Path:
    """Return `path` with ~ replaced; that of a user whom nobody knows stays as it is."""
    return Path(os.path.expanduser(path))  # noqa: PTH111  # Path.expanduser raises for such a user


def printable(text: str) -> str:
    """Return `text` without what cannot be written in UTF-8."""
    return text.encode(errors="surrogateescape").decode(errors="replace")


def me() -> str:
    """Return the login of who runs this."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def matches(pattern: str, text: str) -> bool:
    """Return whether `text` fits a pattern with * and ?."""
    return _expression(pattern).fullmatch(text) is not None


@cache
def _expression(pattern: str) -> re.Pattern[str]:
    # Runs of * would take for ever to fail.
    parts = re.sub(r"\*+", "*", pattern)
    return re.compile("".join({"*": ".*", "?": "."}.get(one, re.escape(one)) for one in parts), re.DOTALL)


def listed(patterns: list[str], text: str) -> bool:
    """Return whether one of the patterns fits and none that begins with ! does."""
    if any(matches(one[1:], text) for one in patterns if one.startswith("!")):
        return False
    return any(matches(one, text) for one in patterns if not one.startswith("!"))


def _word(text: str, position: int) -> tuple[str, int]:
    """The word that starts at `position`, without its quotes and escapes, and where it ends."""
    found, quote = "", ""
    while position < len(text):
        letter, following = text[position], text[position + 1 : position + 2]
        if letter == "\\" and following and (following in "'\"\\" or (not quote and following == " ")):
            found += following
            position += 1
        elif not quote and letter in " \t":
            break
        elif not quote and letter in "'\"":
            quote = letter
        elif letter == quote:
            quote = ""
        else:
            found += letter
        position += 1
    if quote:
        raise Unclear(f"the {quote} in {text!r} is not closed")
    return found, position
