"""What runs on a host: files beside this one, joined when they are sent, given named values. Pure.

A `NAME.bash` says at its top, a line each, which values it is given and what they are:

    #: service   the service's name
    #: proxies[] the ingress's backends that lead to it

They are set before its text begins, quoted, as variables and arrays of these names, so a value never becomes
part of a program. A library may say so too, of all that source it. A line `source FOLDER/NAME.bash` stands
for that file, once. In `source "FOLDER/$engine.bash"` the value `engine` names the file, which whoever sends
the script chooses; "" leaves the line out. A line `embed FOLDER/NAME.awk` sets a variable to the text of that
file: `NAME_awk` then. In SQL, a line `\\ir NAME.sql` stands for the file beside it, also within a statement.
Lines that hold nothing but a comment stay here.
"""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache
from pathlib import Path

from schedgen_ops.shell import Command, Value, assignment, script

FOLDER = Path(__file__).parent

_GIVEN = re.compile(r"#: (\w+)(\[\])?(?:\s|\Z)")
_SOURCE = re.compile(r'source "?((?:[\w-]+/)+[\w.$-]+)"?\n?\Z')
_CHOICE = re.compile(r"\$(\w+)")
_NAME = re.compile(r"(?:[a-z0-9]\w*)?\Z")
_EMBED = re.compile(r"embed ([\w./-]+)\n?\Z")
_INCLUDE = re.compile(r"\\ir ([\w.-]+)\n?\Z")

# The files that a script is sent with: the name of each choice, and what was chosen.
Chosen = tuple[tuple[str, str], ...]


def host_script(name: str, /, *words: str, title: str = "", **values: Value) -> Command:
    """The script `name.bash` with its values, run by a bash of its own with `pipefail`.

    Args:
        name: its path below host_scripts/, without the ending: "rollout/retire".
        words: the script's own arguments, "$@" there: for many, since all values together are a part of one
            argument, which may have 128 KiB; and for what has to be seen in the host's list of processes.
        title: a short name for messages.
        values: one for each that the script says it is given; a list where it says `name[]`; and the names of
            the files that it leaves open.

    Raises:
        TypeError: where these are not the values that the script says it is given.
    """
    command = script(program(name, **values), *words, title=title or name)
    told = {**values, "words": words} if words else values
    return replace(command, script=name, values=tuple((key, _frozen(value)) for key, value in told.items()))


def _frozen(value: Value) -> Value:
    return value if isinstance(value, str | int | float) else tuple(value)


def program(name: str, /, **values: Value) -> str:
    """The whole text of the script `name.bash`: its values, its libraries, itself.

    Raises:
        TypeError: where these are not the values that the script says it is given.
    """
    open_ = choices(name)
    chosen = tuple((key, str(values.pop(key))) for key in sorted(open_ & values.keys()))
    wanted = given(name, chosen) if len(chosen) == len(open_) else {}
    lists = {key for key, value in values.items() if not isinstance(value, str | int | float)}
    if len(chosen) != len(open_) or wanted.keys() != values.keys() or lists != {*filter(wanted.get, wanted)}:
        told = [*sorted(values), *dict(chosen)]
        raise TypeError(
            f"{name}.bash is given {wanted} and {sorted(open_)}, not {told}, lists {sorted(lists)}"
        )
    settings = "".join(assignment(key, values[key]) for key in wanted)
    return settings + _joined(f"{name}.bash", frozenset(), chosen)[0]


@cache
def given(name: str, chosen: Chosen = ()) -> dict[str, bool]:
    """The names of the values that `name.bash` is given, and what was chosen for it; True for a list."""
    return _given(f"{name}.bash", chosen)


def _given(name: str, chosen: Chosen) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for line in text(name).splitlines():
        if match := _GIVEN.match(line):
            found[match[1]] = bool(match[2])
        elif (source := _SOURCE.match(line)) and (path := _path(source[1], chosen)):
            found |= _given(path, chosen)
    return found


@cache
def choices(name: str) -> frozenset[str]:
    """The names of the values that choose a file which `name.bash` sources."""
    return _choices(f"{name}.bash")


def _choices(name: str) -> frozenset[str]:
    sources = [source[1] for line in text(name).splitlines() if (source := _SOURCE.match(line))]
    deeper = (_choices(path) for path in sources if not _CHOICE.search(path))
    return frozenset(key for path in sources for key in _CHOICE.findall(path)).union(*deeper)


def _path(path: str, chosen: Chosen) -> str:
    """The file that a script sources; "" where none was chosen."""
    for key, value in chosen:
        if not _NAME.match(value):
            raise ValueError(f"{value!r} is no name of a script")
        if f"${key}." in path:
            return path.replace(f"${key}", value) if value else ""
    return "" if _CHOICE.search(path) else path


@cache
def library(name: str) -> str:
    """The functions of `lib/name.bash`, with those that they need themselves."""
    return joined(f"lib/{name}.bash")


@cache
def joined(name: str) -> str:
    """The text of one file as it is sent, with what it names and without its comments."""
    return _joined(name, frozenset(), ())[0]


@cache
def read_all() -> None:
    """Read every file now: a run goes by what there was when it began, whatever becomes of them meanwhile."""
    for path in FOLDER.rglob("*.*"):
        if path.suffix not in (".py", ".pyc"):
            text(str(path.relative_to(FOLDER)))


@cache
def text(name: str) -> str:
    """The text of one file, whatever its language."""
    return (FOLDER / name).read_text(encoding="utf-8")


@cache
def _joined(name: str, seen: frozenset[str], chosen: Chosen) -> tuple[str, frozenset[str]]:
    """A file with what it sources, includes and embeds; and the libraries that are in by then."""
    parts: list[str] = []
    folder, _, file = name.rpartition("/")
    comment = "--" if file.endswith(".sql") else "#"
    for line in text(name).splitlines(keepends=True):
        if source := _SOURCE.match(line):
            path = _path(source[1], chosen)
            if path and path not in seen:
                body, seen = _joined(path, seen | {path}, chosen)
                parts.append(body)
        elif include := _INCLUDE.match(line):
            parts.append(joined(f"{folder}/{include[1]}"))
        elif embed := _EMBED.match(line):
            variable = re.sub(r"\W", "_", embed[1].rpartition("/")[2])
            parts.append(assignment(variable, joined(embed[1])))
        elif not line.lstrip().startswith(comment):
            parts.append(line)
    return "".join(parts), seen
