"""`--json`: one document on stdout when all is over; people read the plain story on stderr meanwhile."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, TextIO

from schedgen_ops.events import (
    Event,
    Fact,
    HostMissing,
    Message,
    RunFinished,
    RunStarted,
    StepFailed,
    StepFinished,
    StepStarted,
)
from schedgen_ops.ui.encoding import to_json
from schedgen_ops.ui.failure import Failure, as_json
from schedgen_ops.ui.plain import Plain
from schedgen_ops.ui.tables import Table, json_value
from schedgen_ops.ui.terminal import Writer


class JsonDocument:
    """A collector of a run, which is written as one JSON object on `close`.

    Args:
        stdout: takes the document and nothing else.
        plain: shows the story to people, on stderr.
    """

    def __init__(self, stdout: TextIO, plain: Plain) -> None:
        self._out = Writer(stdout)
        self._plain = plain
        self._step = ""
        self._value: dict[str, Any] = {
            "command": "",
            "run": "",
            "env": "",
            "hosts": [],
            "missing": [],
            "ok": True,
            "exit_code": 0,
            "title": "",
            "message": "",
            "hint": "",
            "seconds": None,
            "summary": {},
            "steps": [],
            "messages": [],
            "facts": {},
            "host_facts": {},
            "error": None,
            "log": None,
            "report": None,
        }

    @property
    def log(self) -> Path | None:
        """Where the run's log is."""
        return self._plain.log

    @log.setter
    def log(self, path: Path | None) -> None:
        self._plain.log = path

    def handle(self, event: Event) -> None:
        """Keep what belongs in the document, and show `event` on stderr."""
        self._collect(event)
        self._plain.handle(event)

    def _collect(self, event: Event) -> None:
        value = self._value
        match event:
            case RunStarted():
                value |= {"command": event.command, "run": event.run, "env": event.env, "hosts": event.hosts}
                value["summary"].update(event.facts)
                value["steps"] = [_step(number, title) for number, title in event.steps]
            case StepStarted() | StepFinished() | StepFailed():
                self._mark(event)
            case Message():
                value["messages"].append(asdict(event) | {"step": self._step})
            case HostMissing():
                value["missing"].append(asdict(event))
            case Fact(host=""):
                value["facts"][event.name] = event.value
            case Fact():
                value["host_facts"].setdefault(event.host, {})[event.name] = event.value
            case RunFinished():
                self._finish(event)

    def _mark(self, event: StepStarted | StepFinished | StepFailed) -> None:
        step = next((s for s in self._value["steps"] if _is(s, event)), None)
        if step is None:
            step = _step(event.number, event.title)
            self._value["steps"].append(step)
        match event:
            case StepStarted():
                self._step = event.title
                step["state"] = "running"
            case StepFinished():
                step |= {"state": "done", "seconds": event.seconds}
            case StepFailed():
                step |= {"state": "failed", "seconds": event.seconds, "message": event.message}

    def _finish(self, event: RunFinished) -> None:
        for name in ("title", "message", "hint", "seconds"):
            self._value[name] = getattr(event, name)
        self._value |= {"ok": event.code == 0, "exit_code": event.code}
        self._value["summary"].update(event.facts)

    def fail(self, failure: Failure) -> None:
        """Keep what ended the run, and show it on stderr."""
        self._value |= {"ok": False, "exit_code": failure.code, "error": as_json(failure)}
        self._plain.fail(failure)

    def show(self, table: Table) -> None:
        """Put a result into the document: under its title in "results", or as "result" if it has none."""
        place, name = self._value, "result"
        if table.title:
            place, name = self._value.setdefault("results", {}), table.title
        before = place[name] if table.goes_on else None
        place[name] = json_value(table) if before is None else before + json_value(table)

    def aside(self, text: str) -> None:
        """Show a warning about the tool itself on stderr."""
        self._plain.aside(text)

    def left(self, name: str, path: Path) -> None:
        """Put the path of a file into the document under its name in lower case, and show it on stderr."""
        self._value[name.lower()] = str(path)
        self._plain.left(name, path)

    def pause(self) -> None:
        """Do nothing: nothing is redrawn, so a question can be asked at any time."""

    def resume(self) -> None:
        """Do nothing, as `pause`."""

    def close(self) -> None:
        """Write the document."""
        self._value["log"] = str(self.log) if self.log else None
        self._out.lines(to_json(self._value, indent=2))


def _step(number: str, title: str) -> dict[str, Any]:
    return {"number": number, "title": title, "state": "pending", "seconds": None}


def _is(step: dict[str, Any], event: StepStarted | StepFinished | StepFailed) -> bool:
    return (step["number"], step["title"]) == (event.number, event.title)
