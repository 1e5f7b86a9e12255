"""What an action on several hosts came to: a result or an error for each, and which error weighs most."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from schedgen_ops.errors import OpsError

T = TypeVar("T")

# Exit codes, the one that most needs attention first.
_SEVERITY = (5, 6, 4, 8, 7, 3, 2)


class FleetError(OpsError):
    """Several hosts failed. Its exit code is that of the most severe failure.

    Args:
        errors: what went wrong, by the name of the host.
        total: how many hosts there are.
    """

    def __init__(self, errors: Mapping[str, OpsError], total: int) -> None:
        worst = min(errors.values(), key=by_severity)
        super().__init__(
            f"{len(errors)} of {total} hosts failed: {', '.join(errors)}",
            hint=worst.hint,
            step=worst.step,
            detail="\n".join(report(error, name) for name, error in errors.items()),
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
        """Return all results.

        Raises:
            OpsError: the error of the only host that failed, or a FleetError that names all of them.
            Exception: one that is no OpsError comes through as it is: it is a defect.
        """
        return tuple(self.by_host().values())

    def by_host(self) -> Mapping[str, T]:
        """Return all results by the name of the host; raises as `values` does."""
        if error := self.error():
            raise error
        return self.ok

    def error(self) -> OpsError | None:
        """Return what `values` raises, None where all went well.

        Raises:
            Exception: one that is no OpsError.
        """
        failures: dict[str, OpsError] = {}
        for name, error in self.errors.items():
            if not isinstance(error, OpsError):
                raise error
            error.host = error.host or name
            failures[name] = error
        if len(failures) > 1:
            return FleetError(failures, len(self.ok) + len(failures) + len(self.skipped))
        return next(iter(failures.values()), None)


def by_severity(error: OpsError) -> int:
    """Return a rank: the smaller, the more an operator has to know of the error first."""
    return _SEVERITY.index(error.exit_code) if error.exit_code in _SEVERITY else 0


def report(error: OpsError, host: str = "") -> str:
    """Return an error as the lines that stand below another one."""
    where = host or error.host
    first = f"{where}: {error.message}" if where else error.message
    return "\n".join([first, *(f"  {line}" for line in error.detail.splitlines())])
