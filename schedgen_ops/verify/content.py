"""Whether an answer holds what it has to hold. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

from schedgen_ops.commands import http
from schedgen_ops.remote import Result
from schedgen_ops.settings import Check, Queue
from schedgen_ops.watch.rules import CheckVerdict, Finding, wrong_status

MISSING = object()
_LATE = 124
_SAMPLE = re.compile(
    r"[a-zA-Z_:][a-zA-Z0-9_:]*(?:\{[^\n]*\})?[ \t]+"
    r"(?:[-+]?(?:\d[\d.eE+-]*|Inf)|NaN)(?:[ \t]+-?\d+)?(?:\s+#.*)?"
)


def reply(name: str, result: Result, within: float) -> http.Reply | Finding:
    """Return the answer in `result`, or the finding that there is none."""
    try:
        found = http.parse_reply(result.stdout)
    except ValueError:
        if result.code == _LATE:
            return Finding(name, CheckVerdict.FAILED, f"no answer: {result.stderr.strip()}", result.seconds)
        why = result.stderr.strip()[-200:] or f"exit code {result.code}"
        return Finding(name, CheckVerdict.UNKNOWN, f"could not be asked: {why}")
    if not found.status:
        return Finding(name, CheckVerdict.FAILED, found.error, found.seconds)
    if found.seconds > within:
        text = f"took {found.seconds:.2f} s, longer than {within:g} s"
        return Finding(name, CheckVerdict.FAILED, text, found.seconds)
    return found


def endpoint(check: Check, result: Result) -> Finding:
    """Return the finding on the answer to a configured check."""
    name = f"{check.name} {check.url}"
    found = reply(name, result, check.within)
    if isinstance(found, Finding):
        return found
    problem = wrong_status(check, found.status) or _body(check, found)
    if problem:
        return Finding(name, CheckVerdict.FAILED, problem, found.seconds)
    return Finding(
        name, CheckVerdict.PASSED, f"{found.status} in {found.seconds * 1000:.0f} ms", found.seconds
    )


def _body(check: Check, found: http.Reply) -> str:
    if check.matches is not None and not re.search(check.matches, found.body, re.MULTILINE):
        return f"answered {found.status} without {check.matches!r}: {_start(found.body)}"
    if check.json_has:
        document = as_json(found.body)
        if document is MISSING:
            return f"answered {found.status} with what is no JSON: {_start(found.body)}"
        for path, wanted in check.json_has.items():
            value = pick(document, path)
            if value is MISSING:
                return f"answered {found.status} without {path}: {_start(found.body)}"
            if value != wanted or isinstance(value, bool) is not isinstance(wanted, bool):
                return f"{path} is {json.dumps(value)}, not {json.dumps(wanted)}"
    return _metrics(found) if check.metrics else ""


def _metrics(found: http.Reply) -> str:
    lines = found.body.split("\n")
    # The last line of an answer that was cut is not whole.
    samples = [line for line in (lines[:-1] if found.cut else lines) if line.strip() and line[0] != "#"]
    if not samples:
        return f"answered {found.status} without a metric"
    bad = next((line for line in samples if not _SAMPLE.fullmatch(line.strip())), None)
    return "" if bad is None else f"answered {found.status} with what is no metric: {_start(bad)}"


def queue(check: Queue, result: Result) -> Finding:
    """Return the finding on what the application tells of its queue."""
    found = reply("queue", result, check.within)
    if isinstance(found, Finding):
        return found
    problem, text = _queue(check, found)
    verdict = CheckVerdict.FAILED if problem else CheckVerdict.PASSED
    return Finding("queue", verdict, problem or text, found.seconds)


def _queue(check: Queue, found: http.Reply) -> tuple[str, str]:
    """What is wrong, and what is told."""
    document = as_json(found.body)
    if not 200 <= found.status < 300 or not isinstance(document, dict):
        return f"answered {found.status} without a JSON object: {_start(found.body)}", ""
    if empty := [name for name, value in document.items() if value is None]:
        return f"nothing is told of {', '.join(empty)}", ""
    numbers = dict(_numbers(document))
    for path, most in check.at_most.items():
        if path not in numbers:
            return f"the answer holds no number {path}", ""
        if numbers[path] > most:
            return f"{path} is {numbers[path]:g} (limit {most:g})", ""
    told = ", ".join(f"{path} {value:g}" for path, value in list(numbers.items())[:8])
    return ("" if numbers else "the answer holds no number"), told


def as_json(text: str) -> Any:
    """Return the JSON document in a text, or MISSING where it holds none."""
    try:
        return json.loads(text)
    except ValueError:
        return MISSING


def pick(document: Any, path: str) -> Any:
    """Return the value at a.b.c of a document (numbers count in lists), or MISSING."""
    value = document
    for key in path.split("."):
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return MISSING
    return value


def _numbers(value: Any, path: str = "") -> list[tuple[str, float]]:
    if isinstance(value, dict):
        parts = [_numbers(inner, f"{path}.{key}" if path else key) for key, inner in value.items()]
        return [pair for part in parts for pair in part]
    return [(path, float(value))] if isinstance(value, int | float) and not isinstance(value, bool) else []


def _start(text: str) -> str:
    line = " ".join(text.split())
    return repr(line if len(line) <= 80 else f"{line[:77]}...")
