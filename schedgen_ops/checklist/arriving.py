"""The box of the checklist about the secrets that a deploy delivers."""

from __future__ import annotations

from dataclasses import replace

from schedgen_ops.preflight.probe import Problem, unknown
from schedgen_ops.remote import Result
from schedgen_ops.secrets.vault import Vault
from schedgen_ops.text import plural

_HINT = "`inv secrets.diff` compares; a deploy asks before it replaces the file."


def judged(vault: Vault, host: str, answer: Result | None) -> tuple[tuple[Problem, ...], str]:
    """Return what is wrong with the secrets or with what a host has in their place, and what was seen.

    Args:
        answer: what the host said of its env file; None where it was not asked.
    """
    wrong = vault.fetched().wrong
    if wrong or answer is None:
        hint = "`inv secrets.check` runs the commands of `secrets` and nothing else."
        return tuple(Problem(f"{name}: {why}", hint) for name, why in wrong.items()), ""
    try:
        difference = vault.judge(host, answer)
    except ValueError:
        # Nobody could agree to what is replaced.
        return (replace(unknown("what the env file on the host has", answer), refuses=True),), ""
    if difference.by_hand:
        text = f"{vault.settings.env_file} was written by hand there, not delivered: {difference}"
        return (Problem(text, _HINT, refuses=False),), ""
    return (), f"{plural(len(vault.settings.delivered), 'variable')}, {difference}"
