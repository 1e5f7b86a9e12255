"""What Ctrl-C, SIGTERM and SIGHUP do to a run: the first ends it, and none that follows ends the taking back.

A terminal that is closed sends SIGHUP twice or three times, and people press Ctrl-C again. So an exception
comes up only where somebody is there to catch it; while a run is taken back, Ctrl-C asks, and the others are
passed over.
"""

from __future__ import annotations

import atexit
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from types import FrameType
from typing import Protocol

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WHY: dict[int, tuple[str, ...]] = {
    signal.SIGTERM: ("it was told to end (SIGTERM)",),
    signal.SIGHUP: ("its terminal was closed (SIGHUP)",),
}
_PATIENCE, _PAUSE = 2.0, 0.02
TAKING_BACK = "Taking back what was begun. Stop, and leave everything as it is now?"


class Ask(Protocol):
    """A function that asks the operator until `over`; without a terminal the answer is no."""

    def __call__(self, question: str, over: Callable[[], bool]) -> bool: ...


class _Mode(Enum):
    OPEN = auto()  # a signal is a KeyboardInterrupt
    STEP = auto()  # the first one is, and makes it BACK
    KEPT = auto()  # it is kept until the next step begins
    BACK = auto()  # only Ctrl-C counts, once it was confirmed


def _deaf(number: int, _: FrameType | None) -> None:
    """A signal that is passed over."""


@atexit.register
def _deaf_to_the_end() -> None:
    """Pass those signals over while the interpreter ends too: it takes its own handlers away before that."""
    for number in _SIGNALS:
        if signal.getsignal(number) is _deaf:
            signal.signal(number, signal.SIG_IGN)


class Interrupts:
    """What signals do to this process. Their handler runs in the main thread, between two instructions."""

    def __init__(self) -> None:
        self._mode = _Mode.OPEN
        self._question = TAKING_BACK
        self._due = self._heard = self._asking = self._confirmed = self._catches = False
        self._passed: set[int] = set()
        self._why: tuple[str, ...] = ()
        self._ask: Ask | None = None
        self._bell = -1

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Handle the signals while the block lasts. One that is ignored, as under nohup, stays so."""
        self._mode, self._question = _Mode.OPEN, TAKING_BACK
        self._due = self._heard = self._asking = self._confirmed = self._catches = False
        self._passed = set()
        taken = [number for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN]
        ear, self._bell = os.pipe()
        threading.Thread(target=self._listen, args=(ear,), name="signals", daemon=True).start()
        before = {number: signal.signal(number, self._on_signal) for number in taken}
        try:
            yield
        finally:
            for number, handler in before.items():
                # One more of those that were passed over must not end a run whose exit code is decided.
                signal.signal(number, _deaf if number in self._passed else handler)
            self._ask = None
            os.close(self._bell)

    @contextmanager
    def answered_by(self, ask: Ask) -> Iterator[None]:
        """Ask this function whether to stop, for as long as the block lasts."""
        self._ask = ask
        try:
            yield
        finally:
            self._ask = None
            # What is shown waits for as long as a question does.
            end = time.monotonic() + _PATIENCE
            while self._asking and time.monotonic() < end:
                time.sleep(_PAUSE)

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Let signals interrupt steps alone. After an error it stays so: the run is at its end."""
        before, self._mode = self._mode, _Mode.KEPT
        try:
            yield
        except BaseException:
            self._mode = _Mode.KEPT
            raise
        self._due = False
        self._mode = before

    @contextmanager
    def heard(self, question: str = "") -> Iterator[None]:
        """Make a signal an exception in the block; one that came before it becomes one at once.

        Args:
            question: what Ctrl-C asks first; then other signals are none.
        """
        try:
            if question:
                self._question, self._catches, self._mode = question, True, _Mode.BACK
            else:
                self._mode = _Mode.STEP
            if self._due:
                self._due, self._mode = False, _Mode.BACK
                raise KeyboardInterrupt(*self._why)
            yield
        finally:
            self._mode, self._catches = _Mode.KEPT, False

    def back(self) -> None:
        """Note that what was begun is taken back from here on."""
        self._mode, self._catches, self._question = _Mode.BACK, False, TAKING_BACK

    @contextmanager
    def undoing(self) -> Iterator[None]:
        """Let a confirmed Ctrl-C end the taking back, in this block only."""
        self._catches = True
        try:
            if self._confirmed:
                self._confirmed = False
                raise KeyboardInterrupt
            yield
        finally:
            self._catches = False

    def _on_signal(self, number: int, _: FrameType | None) -> None:
        if number != signal.SIGINT and (self._heard or self._mode in (_Mode.BACK, _Mode.KEPT)):
            self._passed.add(number)
        if self._mode is _Mode.BACK:
            self._pressed(number)
        elif self._mode is _Mode.KEPT:
            self._due, self._why = True, _WHY.get(number, ())
        elif number == signal.SIGINT or not self._heard:
            self._heard = True
            if self._mode is _Mode.STEP:
                self._mode = _Mode.BACK
            raise KeyboardInterrupt(*_WHY.get(number, ()))

    def _pressed(self, number: int) -> None:
        if self._confirmed:
            if self._catches:
                self._confirmed = False
                raise KeyboardInterrupt
        elif number == signal.SIGINT and not self._asking:
            # Nothing but a byte into a pipe: the main thread may hold any lock now.
            self._asking = True
            os.write(self._bell, b"?")

    def _listen(self, ear: int) -> None:
        while os.read(ear, 1):
            ask, mode = self._ask, self._mode
            if ask is not None and ask(self._question, lambda: self._mode is not _Mode.BACK):
                self._confirmed = self._mode is mode
                if self._confirmed:
                    signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            self._asking = False
        os.close(ear)


INTERRUPTS = Interrupts()
