"""A hook called: what it is told, what becomes of its output, and what its failure is."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from schedgen_ops import events
from schedgen_ops.errors import OpsError
from schedgen_ops.exit_codes import INTERRUPTED, NEEDS_A_PERSON, TAKEN_BACK
from schedgen_ops.hooks.program import run
from schedgen_ops.log_excerpt import telling
from schedgen_ops.masking import Veil, veiled


@dataclass(frozen=True, slots=True)
class RunHooks:
    """The hooks of a run.

    Attributes:
        found: the executables, by the hook's name.
        deadline: seconds that one may take.
        about: gives what every hook is told of the run, as it is known at that moment.
        veil: masks what the run fetched in all that a hook is told.
    """

    found: Mapping[str, Path]
    deadline: int
    emit: events.Emit
    about: Callable[[], Mapping[str, object]]
    veil: Veil = field(default_factory=Veil)

    def must(self, name: str, kind: type[OpsError], **more: object) -> None:
        """Call a hook, if there is one, that has to end well.

        Raises:
            OpsError: of this kind, where it does not.
        """
        if failed := self._call(name, more):
            why, said = failed
            hint = f"It is {self.found[name]}; it may be run by hand, with JSON on stdin."
            raise kind(f"the hook {name} {why}", detail=said, hint=hint)

    def may(self, name: str, **more: object) -> None:
        """Call a hook, if there is one; its failure is a warning."""
        if failed := self._call(name, more):
            why, said = failed
            events.warn(self.emit, f"The hook {name} {why}{f': {last}' if (last := _last(said)) else ''}")

    def at_the_end(self, name: str, **more: object) -> None:
        """Call a hook when all is decided; Ctrl-C ends it, and nothing else."""
        try:
            self.may(name, **more)
        except KeyboardInterrupt:
            events.warn(self.emit, f"The hook {name} was interrupted")

    @contextmanager
    def ending(self) -> Iterator[None]:
        """Call the hooks of a run's failure, should the block end with one."""
        try:
            yield
        except BaseException as error:
            other = INTERRUPTED if isinstance(error, KeyboardInterrupt) else NEEDS_A_PERSON
            code = getattr(error, "exit_code", other)
            end = {"code": code, "message": str(error), "outcome": getattr(error, "outcome", "")}
            where = {"step": getattr(error, "step", ""), "host": getattr(error, "host", "")}
            if code == TAKEN_BACK:
                self.at_the_end("on-rollback", **end, **where)
            self.at_the_end("on-failure", **end, **where)
            raise

    def _call(self, name: str, more: Mapping[str, object]) -> tuple[str, str] | None:
        """Return why a hook failed and what it said; None where it ended well or there is none."""
        path = self.found.get(name)
        if path is None:
            return None
        said: deque[str] = deque(maxlen=100)

        def on_line(line: str) -> None:
            safe = veiled(line)
            said.append(safe)
            self.emit(events.Output(f"{name}: {safe}"))

        told = {"hook": name, **self.veil.over({**self.about(), **more})}
        try:
            code = run(path, json.dumps(told).encode() + b"\n", self.deadline, on_line)
        except OSError as error:
            return f"could not be started: {error.strerror} (its first line names its program)", ""
        if code == 0:
            return None
        why = f"was ended, it took longer than {self.deadline} s" if code is None else _ended(code)
        return why, "\n".join(telling(tuple(said)))


def _ended(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"


def _last(said: str) -> str:
    return said.rpartition("\n")[2]
