"""What has to be so before a deploy begins: the time, the branch, what it passed before, the consent."""

from __future__ import annotations

from datetime import date, time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


def span(value: str) -> tuple[time, time]:
    """Return the times of day that `HH:MM-HH:MM` is between; 24:00 is given as 00:00, the next day's begin.

    Raises:
        ValueError: for anything else.
    """
    begin, dash, end = value.partition("-")
    if not dash:
        raise ValueError(f"must be HH:MM-HH:MM, not {value!r}")
    return _time(begin), _time("00:00" if end == "24:00" else end)


def _time(text: str) -> time:
    hour, _, minute = text.partition(":")
    if len(hour) == len(minute) == 2 and (hour + minute).isdecimal() and (hour + minute).isascii():
        try:
            return time(int(hour), int(minute))
        except ValueError:
            pass
    raise ValueError(f"must be a time as 09:30, not {text!r}")


def dates(value: str) -> tuple[date, date]:
    """Return the first and the last day of `YYYY-MM-DD` or `YYYY-MM-DD..YYYY-MM-DD`.

    Raises:
        ValueError: for anything else.
    """
    first, dots, last = value.partition("..")
    try:
        begin, end = date.fromisoformat(first), date.fromisoformat(last if dots else first)
    except ValueError:
        raise ValueError(f"must be YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD, not {value!r}") from None
    if end < begin:
        raise ValueError(f"ends before it begins: {value!r}")
    return begin, end


def _span(value: str) -> str:
    span(value)
    return value


def _dates(value: str) -> str:
    dates(value)
    return value


def _zone(value: str) -> str:
    from zoneinfo import ZoneInfo

    try:
        ZoneInfo(value)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"is no time zone that this machine knows, as Europe/Berlin is: {value!r}") from None
    return value


class Freeze(Section):
    """A time in which nothing is deployed without --force."""

    days: t.Many[Weekday] = Field(default=(), description="Days of the week; a list of none is every day.")
    dates: Annotated[str, AfterValidator(_dates)] | None = Field(
        default=None, description="YYYY-MM-DD, or YYYY-MM-DD..YYYY-MM-DD with the last day; null: always."
    )
    hours: Annotated[str, AfterValidator(_span)] = Field(
        default="00:00-24:00",
        description="HH:MM-HH:MM; one that ends before it begins goes on the next morning.",
    )
    zone: Annotated[str, AfterValidator(_zone)] = Field(
        default="UTC", description="The time zone of all these, as Europe/Berlin."
    )
    why: str = Field(default="", description="What an operator is told.")

    @model_validator(mode="after")
    def _sometimes(self) -> Freeze:
        if not self.days and self.dates is None:
            raise ValueError("days or dates have to say when")
        return self


class Policy(Section):
    """What has to be so before a deploy begins."""

    freeze: t.Rows[Freeze] = Field(default=(), description="When nothing is deployed without --force.")
    branches: t.Many[str] = Field(
        default=(), description="What may be deployed: names or patterns as v*; an empty list: anything."
    )
    after: t.EnvironmentName | None = Field(
        default=None, description="The environment in which the same commit must have been verified first."
    )
    approvals: Annotated[int, Field(ge=0, le=9)] = Field(
        default=0, description="How many other persons have to approve, by `inv deploy.approve`."
    )
