"""One action on many hosts: a thread each, a result or an error for each, in the configuration's order."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from functools import partial
from time import monotonic
from types import MappingProxyType, TracebackType
from typing import TypeVar

from schedgen_ops import workers
from schedgen_ops.events import Emit, HostFinished, silence
from schedgen_ops.gated import Gated, gated
from schedgen_ops.outcomes import FleetError, Outcomes
from schedgen_ops.remote import Remote
from schedgen_ops.steps import CURRENT

__all__ = ["Fleet", "FleetError", "Outcomes", "at_once"]

T = TypeVar("T")

_CLOSE_SECONDS = 3.0
_INTERRUPT_SECONDS = 2.0
# What comes within a second of the first that came is told in one go, so that it can stand in order.
_QUIET = 1.0


class Fleet:
    """The hosts of a run, in the configuration's order; each has a gate, which a lock may close.

    Args:
        emit: is told how long each host took in a step.
    """

    def __init__(self, hosts: Sequence[Remote], emit: Emit = silence) -> None:
        self.hosts: tuple[Gated, ...] = tuple(gated(host) for host in hosts)
        self._emit = emit

    def __len__(self) -> int:
        return len(self.hosts)

    def __iter__(self) -> Iterator[Gated]:
        return iter(self.hosts)

    def __getitem__(self, name: str) -> Gated:
        """Return the host of that name.

        Raises:
            KeyError: where there is none.
        """
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

    def only(self, names: Collection[str]) -> Fleet:
        """Return a fleet of these hosts alone, in the configuration's order, on the same connections."""
        return Fleet([host for host in self.hosts if host.name in names], self._emit)

    def each(self, action: Callable[[Remote], T], *, batch: int | None = None) -> Outcomes[T]:
        """Do something on every host at once, or on `batch` hosts at a time.

        A batch starts when the one before it ended without an error; hosts not come to are `skipped`.
        Ctrl-C ends the commands that run, and comes through.
        """
        action = self._timed(action)
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

    def everywhere(self, action: Callable[[Remote], object]) -> Callable[[], None]:
        """Return what does something on every host at once, as a step does it: an error on one is raised."""

        def run() -> None:
            self.each(action).values()

        return run

    def _timed(self, action: Callable[[Remote], T]) -> Callable[[Remote], T]:
        """The action; where the caller is in a step, it is told how long that took on each host."""
        step = CURRENT.get()
        if not step:
            return action

        def timed(remote: Remote) -> T:
            started, why = monotonic(), ""
            try:
                return action(remote)
            except BaseException as error:
                why = str(error) or type(error).__name__
                raise
            finally:
                self._emit(HostFinished(step, remote.name, monotonic() - started, why))

        return timed

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
    """Run independent actions, a thread each, and return what each returned when all have ended.

    Args:
        interrupt: ends what they run on a host, at Ctrl-C; without it they go on.

    Raises:
        Exception: the first one's, in the order of `actions`.
    """
    if len(actions) < 2:
        return tuple(action() for action in actions)
    tasks = [_Task(action) for action in actions]
    try:
        _done(tasks)
    except BaseException:
        if interrupt:
            interrupt()
            wait(tasks, timeout=_INTERRUPT_SECONDS)
        workers.leave(task.worker for task in tasks)
        raise
    return tuple(task.result() for task in tasks)


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
    """What comes of an action, and the daemon thread that does it once it is started.

    An executor's threads would keep the process alive after Ctrl-C.
    """

    def __init__(self, action: Callable[[], T], name: str = "") -> None:
        super().__init__()
        self.worker = workers.Worker(partial(self._work, action), name)

    def _work(self, action: Callable[[], T]) -> None:
        try:
            self.set_result(action())
        except BaseException as error:
            self.set_exception(error)


def _done(tasks: Iterable[_Task[T]]) -> None:
    """All of them, at once. They are made before: one that is started is known to whoever is interrupted."""
    for task in tasks:
        task.worker.start()
    wait(tasks)


def _run(hosts: Sequence[Remote], action: Callable[[Remote], T]) -> Sequence[Future[T]]:
    """The finished futures, one for each host. A single host needs no thread."""
    if len(hosts) == 1:
        future: Future[T] = Future()
        try:
            future.set_result(action(hosts[0]))
        except Exception as error:
            future.set_exception(error)
        return [future]
    tasks = [_on(host, action) for host in hosts]
    try:
        _done(tasks)
    except BaseException:
        _interrupt(hosts)
        wait(tasks, timeout=_INTERRUPT_SECONDS)
        workers.leave(task.worker for task in tasks)
        raise
    return tasks


def _interrupt(hosts: Sequence[Remote]) -> None:
    wait([_start(lambda remote: remote.interrupt(), host) for host in hosts], timeout=_INTERRUPT_SECONDS)


def _on(host: Remote, action: Callable[[Remote], T]) -> _Task[T]:
    return _Task(partial(action, host), host.name)


def _start(action: Callable[[Remote], T], host: Remote) -> _Task[T]:
    task = _on(host, action)
    task.worker.start()
    return task
