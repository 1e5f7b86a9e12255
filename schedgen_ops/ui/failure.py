"""What ended a run, as the block that an operator reads last."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from schedgen_ops.errors import OpsError
from schedgen_ops.events import RunFinished
from schedgen_ops.exit_codes import INTERRUPTED, words
from schedgen_ops.ui.terminal import Writer, is_coloured, printable_lines

_RED, _DIM, _OFF = "\x1b[1;31m", "\x1b[2m", "\x1b[0m"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed run: `message` in one sentence, `detail` the lines that matter, `hint` what to do next.

    `doctor` is what mends the causes that were found, `call` the people to call, where the run needs one.
    """

    message: str
    code: int
    hint: str = ""
    host: str = ""
    step: str = ""
    detail: str = ""
    outcome: str = ""
    call: tuple[str, ...] = ()
    doctor: tuple[str, ...] = ()


def of_error(error: OpsError) -> Failure:
    """Return the failure that `error` describes."""
    code, outcome = error.exit_code, error.outcome
    return Failure(error.message, code, error.hint, error.host, error.step, error.detail, outcome)


def of_exception(error: BaseException) -> Failure:
    """Return the failure behind any exception; one that nobody foresaw is named as what it is."""
    if isinstance(error, OpsError):
        return of_error(error)
    if isinstance(error, KeyboardInterrupt):
        return Failure("Interrupted", INTERRUPTED)
    code = _own_code(error)
    if code is not None:
        return Failure(str(error), code)
    return Failure(f"Unexpected {type(error).__name__}: {error}", OpsError.exit_code)


def is_failure(error: BaseException) -> bool:
    """Return whether `error` ends a run badly: an exit with code 0 does not."""
    return _own_code(error) != 0


def _own_code(error: BaseException) -> int | None:
    """The exit code that SystemExit and the like carry."""
    code = 0 if isinstance(error, SystemExit) and error.code is None else getattr(error, "code", None)
    return code if isinstance(code, int) and not isinstance(error, OpsError) else None


def of_finish(event: RunFinished) -> Failure:
    """Return the failure that ended a run."""
    said = event.message or event.title
    return Failure(said, event.code, event.hint, event.host, event.step, event.detail, event.outcome)


def to_finish(failure: Failure, seconds: float) -> RunFinished:
    """Return the last event of a run that `failure` ended after `seconds`."""
    return RunFinished(
        code=failure.code,
        title="",
        seconds=seconds,
        message=failure.message,
        hint=failure.hint,
        detail=failure.detail,
        host=failure.host,
        step=failure.step,
        outcome=failure.outcome,
    )


def failure_lines(failure: Failure, log: Path | None = None, *, colour: bool = False) -> tuple[str, ...]:
    """Return the block: message, host, step, detail, what to do next, where the log is."""
    red, dim, off = (_RED, _DIM, _OFF) if colour else ("", "", "")
    first, *more = printable_lines(failure.message) or ("failed",)
    outcome = failure.outcome or words(failure.code).outcome
    return (
        f"{red}ERROR: {first}{off}",
        *(f"  {text}" for text in more),
        *_fields((("host", failure.host), ("step", failure.step), ("outcome", outcome))),
        *(f"    {dim}{text}{off}" for text in printable_lines(failure.detail)),
        *_fields(
            (
                ("next", failure.hint),
                ("doctor", "\n".join(failure.doctor)),
                ("call", "\n".join(failure.call)),
                ("log", str(log) if log else ""),
            )
        ),
    )


def _fields(fields: tuple[tuple[str, str], ...]) -> Iterator[str]:
    for label, value in fields:
        for index, text in enumerate(printable_lines(value)):
            yield f"  {'' if index else label + ':':<9}{text}"


def show(
    error: OpsError,
    log: Path | None = None,
    *,
    stderr: TextIO | None = None,
    environ: Mapping[str, str] = os.environ,
) -> None:
    """Print the block for an error that came before there was a run to tell about."""
    stream = stderr or sys.stderr
    lines = failure_lines(of_error(error), log, colour=is_coloured(stream, environ))
    Writer(stream).lines(*lines)


def as_json(failure: Failure) -> dict[str, object]:
    """Return the failure for the JSON document; its text as it came, since JSON escapes what is unsafe."""
    return {
        "message": failure.message,
        "hint": failure.hint,
        "host": failure.host,
        "step": failure.step,
        "detail": failure.detail.splitlines(),
        **({"outcome": failure.outcome} if failure.outcome else {}),
        **({"doctor": failure.doctor} if failure.doctor else {}),
        **({"call": failure.call} if failure.call else {}),
    }
