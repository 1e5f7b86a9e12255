"""One environment's files and variables, brought together; every problem is kept, none is raised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from schedgen_ops import profiles
from schedgen_ops.loading import explain, files
from schedgen_ops.loading.document import Document, parse
from schedgen_ops.loading.problem import ConfigProblem, Location, dotted, shown
from schedgen_ops.settings import Settings

# What the runbook's scripts took from the environment.
VARIABLES: tuple[tuple[str, Location], ...] = (
    ("GIT_BRANCH", ("branch",)),
    ("MONITORING_DURATION", ("watch", "duration")),
)


@dataclass(frozen=True, slots=True)
class Override:
    """A value from outside the files: `origin` is the variable or option that set it."""

    location: Location
    value: object
    origin: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What the files and variables of an environment say.

    Attributes:
        environment: its name.
        main: the environment's file.
        hosts: the file that `hosts_file` names, if it does.
        overrides: values that take the place of the file's.
        settings: None if there is any problem.
        problems: everything that is wrong, by file and line.
    """

    environment: str
    main: Document
    hosts: Document | None = None
    overrides: tuple[Override, ...] = ()
    settings: Settings | None = None
    problems: tuple[ConfigProblem, ...] = ()

    def origin(self, location: Location) -> str:
        """Return where a value comes from: file:line, a variable, an option, a profile, or default."""
        source, line = self.place(location)
        return source if line is None else f"{source}:{line}"

    def place(self, location: Location) -> tuple[str, int | None]:
        """Return where a value comes from as `origin` does, source and line apart."""
        for override in self.overrides:
            if override.location == location[: len(override.location)]:
                return override.origin, None
        document, below = self._document(location)
        line = document.line(below)
        if line is not None:
            return document.source, line
        # The items of a list stand where it stands; a key that is absent has its default.
        return self._profile(location) or "default", None

    def problem(self, location: Location, message: str) -> ConfigProblem:
        """Return `message` about the value at `location`, or about the place where it is missing."""
        source, line = self.place(location)
        if line is None and source in ("default", self._profile(location)):
            document, below = self._document(location)
            source, line = document.source, document.nearest(below)
        return ConfigProblem(source, line, dotted(location), message)

    def _profile(self, location: Location) -> str:
        """The profile that gives the value at `location`, as `profile NAME`; "" for none."""
        section: object = self.main.data
        for depth, part in enumerate(location, start=1):
            if not isinstance(section, dict):
                break
            name = section.get("profile")
            if part in profiles.chosen(dotted(location[: depth - 1]), name):
                return f"profile {name}"
            section = section.get(part)
        return ""

    def _document(self, location: Location) -> tuple[Document, Location]:
        if self.hosts and location[:1] == ("hosts",):
            return self.hosts, location[1:]
        return self.main, location


def read(
    env: str, file: Path, root: Path, environ: Mapping[str, str], options: tuple[Override, ...] = ()
) -> Reading:
    """Read environment `env` from `file`; messages name files as seen from `root`."""
    main = _document(file, files.display(file, root))
    overrides = (*options, *_variables(environ))
    reading = Reading(env, main, None, overrides, None, main.problems)
    if not isinstance(main.data, dict):
        return (
            reading
            if main.problems
            else _failed(reading, main, "must be a mapping: project, directory, hosts")
        )
    data: dict[str, object] = {**main.data}
    problems = list(main.problems)
    if "environment" in data:
        problems.append(
            reading.problem(("environment",), "unknown key: the file's name is the environment's")
        )
    data["environment"] = env
    hosts = _hosts(data, file.parent, root, problems, reading)
    if hosts:
        data["hosts"] = hosts.data
        reading = Reading(env, main, hosts, overrides)
    for override in overrides:
        _put(data, override)
    return _validated(reading, data, file.parent, problems)


def _document(file: Path, source: str) -> Document:
    raw = files.read(file)
    if isinstance(raw, str):
        return Document(source, problems=(ConfigProblem(source, None, "", raw),))
    return parse(raw, source)


def _failed(reading: Reading, document: Document, message: str) -> Reading:
    problem = ConfigProblem(document.source, 1, "", message)
    return Reading(reading.environment, reading.main, None, reading.overrides, None, (problem,))


def _variables(environ: Mapping[str, str]) -> tuple[Override, ...]:
    values = ((name, location, environ.get(name, "")) for name, location in VARIABLES)
    return tuple(Override(location, _scalar(value), name) for name, location, value in values if value)


def _scalar(text: str) -> object:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else text


def _put(data: dict[str, object], override: Override) -> None:
    for part in override.location[:-1]:
        inner = data.get(str(part), {})
        if not isinstance(inner, dict):
            return
        data[str(part)] = data = {**inner}
    data[str(override.location[-1])] = override.value


def _hosts(
    data: dict[str, object], folder: Path, root: Path, problems: list[ConfigProblem], reading: Reading
) -> Document | None:
    """The document that hosts_file names; None if there is none to use, after noting why."""
    name = data.get("hosts_file")
    if not isinstance(name, str):
        return None
    at = ("hosts_file",)
    if "hosts" in data:
        problems.append(reading.problem(at, "stands beside hosts: give one of the two"))
        return None
    file = files.expanded(folder, name)
    if file is None:
        return None  # The settings themselves refuse such a path.
    raw = files.read(file)
    source = files.display(file, root)
    if isinstance(raw, str):
        known = reading.problem(at, f"{source}: {raw}")
        pending = raw == "there is no such file"
        problems.append(ConfigProblem(known.source, known.line, known.location, known.message, pending))
        return None
    document = parse(raw, source)
    problems += document.problems
    if not document.problems and not isinstance(document.data, tuple):
        problems.append(ConfigProblem(source, 1, "", f"must be a list of hosts, not {shown(document.data)}"))
        return None
    return document


def _validated(
    reading: Reading, data: dict[str, object], folder: Path, problems: list[ConfigProblem]
) -> Reading:
    settings = None
    try:
        settings = Settings.model_validate(data, context={"folder": folder})
    except ValidationError as error:
        found = [reading.problem(location, message) for location, message in explain.findings(error)]
        noted = {problem.location for problem in problems}
        if "hosts_file" in noted or (reading.hosts and reading.hosts.problems):
            noted.add("hosts")
        problems += [problem for problem in found if problem.location not in noted]
    ordered = tuple(sorted(problems, key=lambda problem: (problem.source, problem.line or 0)))
    return Reading(
        reading.environment,
        reading.main,
        reading.hosts,
        reading.overrides,
        None if problems else settings,
        ordered,
    )
