"""One action on many hosts: a thread each, a result or an error for each, in the configuration's order."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from types import MappingProxyType, TracebackType
from typing import TypeVar

from schedgen_ops import workers
from schedgen_ops.gated import Gated, gated
from schedgen_ops.outcomes import FleetError, Outcomes
from schedgen_ops.remote import Remote

__all__ = ["Fleet", "FleetError", "Outcomes", "at_once"]

T = TypeVar("T")

_CLOSE_SECONDS = 3.0
_INTERRUPT_SECONDS = 2.0
# What comes within a second of the first that came is told in one go, so that it can stand in order.
_QUIET = 1.0


class Fleet:
    """The hosts of a run, in the configuration's order; each has a gate, which a lock may close."""

    def __init__(self, hosts: Sequence[Remote]) -> None:
        self.hosts: tuple[Gated, ...] = tuple(gated(host) for host in hosts)

    def __len__(self) -> int:
        return len(self.hosts)

    def __iter__(self) -> Iterator[Gated]:
        return iter(self.hosts)

    def __getitem__(self, name: str) -> Gated:
        """The host of that name; KeyError where there is none."""
        for host in self.hosts:
            if host.name == name:
                return host
        raise KeyError(name)

    def __enter__(self) -> Fleet:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the hosts."""
        return tuple(host.name for host in self.hosts)

    def only(self, names: Sequence[str]) -> Fleet:
        """The hosts of these names, still in the configuration's order, on the same connections."""
        return Fleet([host for host in self.hosts if host.name in names])

    def each(self, action: Callable[[Remote], T], *, batch: int | None = None) -> Outcomes[T]:
        """Do something on every host at once, or on `batch` hosts at a time.

        A batch starts when the one before it ended without an error; hosts not come to are `skipped`.
        Ctrl-C ends the commands that run, and comes through.
        """
        size = batch or max(1, len(self.hosts))
        ok: dict[str, T] = {}
        for start in range(0, len(self.hosts), size):
            part = self.hosts[start : start + size]
            futures = zip((host.name for host in part), _run(part, action), strict=True)
            came = _outcomes(dict(futures))
            ok |= came.ok
            if came.errors:
                skipped = tuple(host.name for host in self.hosts[start + size :])
                return Outcomes(MappingProxyType(ok), came.errors, skipped)
        return Outcomes(MappingProxyType(ok))

    def as_they_come(self, action: Callable[[Remote], T], *, quiet: float = _QUIET) -> Generator[Outcomes[T]]:
        """Do something on every host at once, and yield what came of it while others still work.

        One that does not answer hides none of those that do.

        Args:
            quiet: seconds to wait for further hosts once one has come, so that those which answer about
                the same time stand together, in the configuration's order.
        """
        left = {host.name: _start(action, host) for host in self.hosts}
        try:
            while left:
                wait(left.values(), return_when=FIRST_COMPLETED)
                wait(left.values(), timeout=quiet)
                came = {name: future for name, future in left.items() if future.done()}
                left = {name: future for name, future in left.items() if name not in came}
                yield _outcomes(came)
        except BaseException:
            if left:
                _interrupt(self.only(tuple(left)).hosts)
                wait(left.values(), timeout=_INTERRUPT_SECONDS)
                workers.leave(future.worker for future in left.values())
            raise

    def interrupt(self) -> None:
        """Ask what runs on the hosts to end; one that does not answer is left behind after some seconds."""
        _interrupt(self.hosts)

    def close(self) -> None:
        """Close all connections; one that hangs is left behind after a few seconds."""
        wait([_start(lambda remote: remote.close(), host) for host in self.hosts], timeout=_CLOSE_SECONDS)


def at_once(
    actions: Sequence[Callable[[], T]], *, interrupt: Callable[[], None] | None = None
) -> tuple[T, ...]:
    """Independent actions, a thread each; returns when all have ended.

    Args:
        interrupt: ends what they run on a host, at Ctrl-C; without it they go on.

    Raises:
        Exception: the first one's, in the order of `actions`.
    """
    if len(actions) < 2:
        return tuple(action() for action in actions)
    futures: list[_Task[T]] = []
    try:
        for action in actions:
            futures.append(_begin(action))
        wait(futures)
    except BaseException:
        if interrupt:
            interrupt()
            wait(futures, timeout=_INTERRUPT_SECONDS)
        workers.leave(future.worker for future in futures)
        raise
    return tuple(future.result() for future in futures)


def _outcomes(futures: Mapping[str, Future[T]]) -> Outcomes[T]:
    """What finished actions came to; an interrupt among them comes through."""
    ok: dict[str, T] = {}
    errors: dict[str, Exception] = {}
    for name, future in futures.items():
        error = future.exception()
        if error is None:
            ok[name] = future.result()
        elif isinstance(error, Exception):
            errors[name] = error
        else:
            raise error
    return Outcomes(MappingProxyType(ok), MappingProxyType(errors))


class _Task(Future[T]):
    """What comes of an action, and the thread that does it."""

    worker: workers.Worker


def _begin(action: Callable[[], T], name: str = "") -> _Task[T]:
    """Do it in a daemon thread: an executor's threads would keep the process alive after Ctrl-C."""
    future: _Task[T] = _Task()

    def work() -> None:
        try:
            future.set_result(action())
        except BaseException as error:
            future.set_exception(error)

    future.worker = workers.Worker(work, name)
    future.worker.start()
    return future


def _run(hosts: Sequence[Remote], action: Callable[[Remote], T]) -> Sequence[Future[T]]:
    """The finished futures, one for each host. A single host needs no thread."""
    if len(hosts) == 1:
        future: Future[T] = Future()
        try:
            future.set_result(action(hosts[0]))
        except Exception as error:
            future.set_exception(error)
        return [future]
    futures: list[_Task[T]] = []
    try:
        for host in hosts:
            futures.append(_start(action, host))
        wait(futures)
    except BaseException:
        _interrupt(hosts)
        wait(futures, timeout=_INTERRUPT_SECONDS)
        workers.leave(future.worker for future in futures)
        raise
    return futures


def _interrupt(hosts: Sequence[Remote]) -> None:
    wait([_start(lambda remote: remote.interrupt(), host) for host in hosts], timeout=_INTERRUPT_SECONDS)


def _start(action: Callable[[Remote], T], host: Remote) -> _Task[T]:
    return _begin(lambda: action(host), host.name)
