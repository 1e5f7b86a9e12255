"""Broken rules between values, handed to pydantic as one error with the place of each. Pure."""

from __future__ import annotations

from pydantic_core import PydanticCustomError

# Where the broken value stands below the model or field that is checked, and what is wrong with it.
Location = tuple[str | int, ...]
Violation = tuple[Location, str]


def refuse(violations: list[Violation]) -> None:
    """Hand all of `violations` to pydantic as one error; whoever shows it takes them apart again.

    Raises:
        PydanticCustomError: if there is any; its context carries them as `violations`.
    """
    if violations:
        sentence = "; ".join(message for _, message in violations)
        raise PydanticCustomError("rules", "{sentence}", {"sentence": sentence, "violations": violations})
