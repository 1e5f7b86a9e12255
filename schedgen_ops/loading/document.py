"""YAML to plain data that remembers the line of every value. Pure.

Only what a config file needs is understood: mappings with text for keys, lists, text, numbers, true, false
and null; aliases and merge keys too. Duplicate keys and tags are refused.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import yaml

from schedgen_ops.loading.problem import ConfigProblem, Location, dotted, shown

_Loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
# A date is text that looks like one, as a branch may; so is a lone "=".
_TEXTS = frozenset(_TAG + kind for kind in ("str", "timestamp", "value"))
_SCALARS = frozenset(_TAG + kind for kind in ("int", "float", "bool", "null"))
_MAX_BYTES = 1_000_000
_MAX_DEPTH = 40


class _Wrong(Exception):
    def __init__(self, line: int | None, message: str) -> None:
        super().__init__(message)
        self.line = line
        self.message = message


@dataclass(frozen=True, slots=True)
class Document:
    """A parsed file.

    Attributes:
        source: the file as messages call it.
        data: dicts, tuples and scalars; None for an empty file or one that could not be parsed.
        problems: everything wrong so far.
        node: the node tree behind `data`.
    """

    source: str
    data: object = None
    problems: tuple[ConfigProblem, ...] = ()
    node: yaml.Node | None = field(default=None, repr=False)

    def line(self, location: Location) -> int | None:
        """Return the line of the value at `location`; None if the file does not hold one there."""
        node, line = self.node, 1
        for part in location:
            step = _child(node, part)
            if step is None:
                return None
            line, node = step
        return line

    def nearest(self, location: Location) -> int | None:
        """Return the line of the innermost mapping or list around `location` that the file holds."""
        for end in range(len(location), 0, -1):
            if (line := self.line(location[:end])) is not None:
                return line
        return None if self.node is None else 1


def parse(raw: bytes, source: str) -> Document:
    """Return `raw` as a Document. Never raises: what is wrong is in its problems."""
    try:
        node = _compose(raw)
    except _Wrong as wrong:
        return Document(source, problems=(ConfigProblem(source, wrong.line, "", wrong.message),))
    if node is None:
        return Document(source, problems=(ConfigProblem(source, 1, "", "the file is empty"),))
    build = _Build(source)
    return Document(source, build.value(node, ()), tuple(build.problems), node)


def _compose(raw: bytes) -> yaml.Node | None:
    if len(raw) > _MAX_BYTES:
        raise _Wrong(None, "too large for a config file")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise _Wrong(raw[: error.start].count(b"\n") + 1, "not valid UTF-8") from None
    try:
        _check_depth(text)
        loader = _Loader(text)
        try:
            return loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = error.problem or error.context or "syntax error"
        raise _Wrong(mark.line + 1 if mark else None, f"not valid YAML: {message}") from None
    except yaml.reader.ReaderError as error:
        line = text.encode()[: error.position].count(b"\n") + 1
        raise _Wrong(line, f"not valid YAML: {error.reason}") from None


def _line(event: yaml.Event) -> int | None:
    return event.start_mark.line + 1 if event.start_mark else None


def _check_depth(text: str) -> None:
    """The composer recurses in C without a limit of its own: deep nesting would end the interpreter."""
    depth = 0
    for event in yaml.parse(text, _Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > _MAX_DEPTH:
            raise _Wrong(_line(event), f"nested more than {_MAX_DEPTH} levels deep")


def _entries(node: yaml.MappingNode, depth: int = 0) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """Keys and values: the mapping's own, then those that `<<` merges into it."""
    merged: list[yaml.Node] = []
    for key, value in node.value:
        if key.tag == _TAG + "merge":
            merged += value.value if isinstance(value, yaml.SequenceNode) else [value]
        else:
            yield key, value
    for part in merged:
        if isinstance(part, yaml.MappingNode) and depth < 4:
            yield from _entries(part, depth + 1)


def _child(node: yaml.Node | None, part: str | int) -> tuple[int, yaml.Node] | None:
    if isinstance(node, yaml.MappingNode):
        for key, value in _entries(node):
            if isinstance(key, yaml.ScalarNode) and key.value == part:
                return key.start_mark.line + 1, value
    elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
        item = node.value[part]
        return item.start_mark.line + 1, item
    return None


class _Build:
    """Turns nodes into data, each node once, and collects what it has to refuse."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.problems: list[ConfigProblem] = []
        self._done: dict[yaml.Node, object] = {}
        self._open: set[yaml.Node] = set()

    def value(self, node: yaml.Node, location: Location) -> object:
        if node in self._open:
            self._refuse(node, location, "refers to itself")
            return None
        if node not in self._done:
            self._open.add(node)
            self._done[node] = self._new(node, location)
            self._open.remove(node)
        return self._done[node]

    def _new(self, node: yaml.Node, location: Location) -> object:
        if isinstance(node, yaml.MappingNode) and node.tag == _TAG + "map":
            return self._mapping(node, location)
        if isinstance(node, yaml.SequenceNode) and node.tag == _TAG + "seq":
            return tuple(self.value(item, (*location, i)) for i, item in enumerate(node.value))
        return self._scalar(node, location)

    def _mapping(self, node: yaml.MappingNode, location: Location) -> dict[str, object]:
        data: dict[str, object] = {}
        own = {id(key) for key, _ in node.value}
        for key, value in _entries(node):
            name = key.value if isinstance(key, yaml.ScalarNode) else None
            if name is None or key.tag not in _TEXTS:
                self._refuse(key, location, f"a key must be text, not {shown(name) if name else 'this'}")
            elif name not in data:
                data[name] = self.value(value, (*location, name))
            elif id(key) in own:
                self._refuse(key, (*location, name), "is a duplicate: the key stands above already")
        return data

    def _scalar(self, node: yaml.Node, location: Location) -> object:
        if isinstance(node, yaml.ScalarNode) and node.tag in _TEXTS:
            return node.value
        if not isinstance(node, yaml.ScalarNode) or node.tag not in _SCALARS:
            self._refuse(
                node, location, f"the tag or value {shown(node.tag.removeprefix(_TAG))} has no meaning here"
            )
            return None
        loader = _Loader("")
        try:
            return loader.construct_object(node)
        except (yaml.YAMLError, ValueError, KeyError, AttributeError, TypeError):
            self._refuse(node, location, f"{shown(node.value)} is no {node.tag.removeprefix(_TAG)}")
            return None
        finally:
            loader.dispose()

    def _refuse(self, node: yaml.Node, location: Location, message: str) -> None:
        self.problems.append(ConfigProblem(self.source, node.start_mark.line + 1, dotted(location), message))
