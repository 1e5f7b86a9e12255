"""One action on many hosts: a thread each, a result or an error for each, in the configuration's order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from threading import Thread
from types import MappingProxyType, TracebackType
from typing import Generic, TypeVar

from schedgen_ops.errors import OpsError
from schedgen_ops.remote import Remote

T = TypeVar("T")

# Exit codes, the one that most needs attention first.
_SEVERITY = (5, 6, 4, 8, 7, 3, 2)
_CLOSE_SECONDS = 3.0
_INTERRUPT_SECONDS = 2.0


class FleetError(OpsError):
    """Several hosts failed. Its exit code is that of the most severe failure.

    Args:
        errors: what went wrong, by the name of the host.
        total: how many hosts there are.
    """

    def __init__(self, errors: Mapping[str, OpsError], total: int) -> None:
        worst = min(errors.values(), key=_rank)
        super().__init__(
            f"{len(errors)} of {total} hosts failed: {', '.join(errors)}",
            hint=worst.hint,
            step=worst.step,
            detail="\n".join(_report(name, error) for name, error in errors.items()),
        )
        self.errors = errors
        self.exit_code = worst.exit_code


@dataclass(frozen=True, slots=True)
class Outcomes(Generic[T]):
    """What an action came to, by the name of the host and in the configuration's order.

    Attributes:
        ok: the results of the hosts where it went well.
        errors: the exceptions of the hosts where it did not.
        skipped: the hosts that were left alone because an earlier batch failed.
    """

    ok: Mapping[str, T]
    errors: Mapping[str, Exception] = field(default_factory=dict)
    skipped: tuple[str, ...] = ()

    def values(self) -> tuple[T, ...]:
        """All results.

        Raises:
            OpsError: the error of the only host that failed, or a FleetError that names all of them.
            Exception: one that is no OpsError comes through as it is: it is a defect.
        """
        failures: dict[str, OpsError] = {}
        for name, error in self.errors.items():
            if not isinstance(error, OpsError):
                raise error
            failures[name] = error
        total = len(self.ok) + len(failures) + len(self.skipped)
        if len(failures) > 1:
            raise FleetError(failures, total)
        for name, error in failures.items():
            error.host = error.host or name
            raise error
        return tuple(self.ok.values())


class Fleet:
    """The hosts of a run, in the configuration's order."""

    def __init__(self, hosts: Sequence[Remote]) -> None:
        self.hosts = tuple(hosts)

    def __len__(self) -> int:
        return len(self.hosts)

    def __iter__(self) -> Iterator[Remote]:
        return iter(self.hosts)

    def __getitem__(self, name: str) -> Remote:
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
        errors: dict[str, Exception] = {}
        for start in range(0, len(self.hosts), size):
            if errors:
                skipped = tuple(host.name for host in self.hosts[start:])
                return Outcomes(MappingProxyType(ok), MappingProxyType(errors), skipped)
            part = self.hosts[start : start + size]
            for host, future in zip(part, _run(part, action), strict=True):
                error = future.exception()
                if error is None:
                    ok[host.name] = future.result()
                elif isinstance(error, Exception):
                    errors[host.name] = error
                else:
                    raise error
        return Outcomes(MappingProxyType(ok), MappingProxyType(errors))

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
    futures: list[Future[T]] = []
    for action in actions:
        future: Future[T] = Future()
        futures.append(future)
        Thread(target=_settle, args=(future, action), daemon=True).start()
    try:
        wait(futures)
    except BaseException:
        if interrupt:
            interrupt()
            wait(futures, timeout=_INTERRUPT_SECONDS)
        raise
    return tuple(future.result() for future in futures)


def _settle(future: Future[T], action: Callable[[], T]) -> None:
    try:
        future.set_result(action())
    except BaseException as error:
        future.set_exception(error)


def _run(hosts: Sequence[Remote], action: Callable[[Remote], T]) -> list[Future[T]]:
    """The finished futures, one for each host. A single host needs no thread."""
    if len(hosts) == 1:
        future: Future[T] = Future()
        try:
            future.set_result(action(hosts[0]))
        except Exception as error:
            future.set_exception(error)
        return [future]
    futures = [_start(action, host) for host in hosts]
    try:
        wait(futures)
    except BaseException:
        _interrupt(hosts)
        wait(futures, timeout=_INTERRUPT_SECONDS)
        raise
    return futures


def _interrupt(hosts: Sequence[Remote]) -> None:
    wait([_start(lambda remote: remote.interrupt(), host) for host in hosts], timeout=_INTERRUPT_SECONDS)


def _start(action: Callable[[Remote], T], host: Remote) -> Future[T]:
    """Run an action in a daemon thread: an executor's threads would keep the process alive after Ctrl-C."""
    future: Future[T] = Future()

    def work() -> None:
        try:
            future.set_result(action(host))
        except BaseException as error:
            future.set_exception(error)

    Thread(target=work, name=host.name, daemon=True).start()
    return future


def _rank(error: OpsError) -> int:
    return _SEVERITY.index(error.exit_code) if error.exit_code in _SEVERITY else 0


def _report(name: str, error: OpsError) -> str:
    lines = [f"{name}: {error.message}", *(f"  {line}" for line in error.detail.splitlines())]
    return "\n".join(lines)
