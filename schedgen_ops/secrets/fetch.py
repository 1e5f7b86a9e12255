"""What the commands of the secrets print, each run once, all at the same time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from threading import Event

from schedgen_ops import local_program
from schedgen_ops.errors import Refused
from schedgen_ops.log_excerpt import telling
from schedgen_ops.masking import Veil, veiled
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Secret
from schedgen_ops.text import plural

# At the same time; and of the stderr of one that failed: SOPS alone says why in eight lines.
_MANY, _LINES = 16, 12


@dataclass(frozen=True, slots=True)
class Fetched:
    """What the commands yielded, and for each secret that has no value why, without any value."""

    values: Mapping[str, Secret]
    wrong: Mapping[str, str]

    def all(self) -> Mapping[str, Secret]:
        """Return the values of all secrets.

        Raises:
            Refused: where one has none, with every reason.
        """
        if not self.wrong:
            return self.values
        raise Refused(
            f"{plural(len(self.wrong), 'secret')} could not be fetched: {', '.join(self.wrong)}",
            detail="\n".join(f"{name}: {why}" for name, why in self.wrong.items()),
            hint="`inv secrets.check` runs the commands of `secrets` and nothing else.",
        )


def fetch(settings: Settings, wanted: Mapping[str, tuple[str, ...]] | None = None) -> Fetched:
    """Run the commands of an environment's secrets; several names may have the same one.

    Args:
        wanted: other commands, each by what messages call it.
    """
    commands = settings.secrets if wanted is None else wanted
    ended = _run(tuple(dict.fromkeys(commands.values())), settings)
    seen = [each.out for each in ended.values() if isinstance(each, local_program.Ended)]
    veil = Veil()
    veil.learn(text.decode(errors="replace").removesuffix("\n") for text in seen)
    values: dict[str, Secret] = {}
    wrong: dict[str, str] = {}
    for name, words in commands.items():
        found = _value(ended[words], settings.secret_commands.deadline)
        if isinstance(found, Secret):
            values[name] = found
        else:
            wrong[name] = veil.text(f"{words[0]} {found}")
    return Fetched(values, wrong)


def _run(
    commands: tuple[tuple[str, ...], ...], settings: Settings
) -> dict[tuple[str, ...], local_program.Ended | OSError]:
    over, how = Event(), settings.secret_commands
    one = partial(_one, deadline=how.deadline, ask=how.ask, over=over)
    # Two that ask at once could not be told apart on the terminal.
    with ThreadPoolExecutor(1 if how.ask else _MANY) as pool:
        try:
            return dict(zip(commands, pool.map(one, commands), strict=True))
        finally:
            over.set()


def _one(words: tuple[str, ...], *, deadline: int, ask: bool, over: Event) -> local_program.Ended | OSError:
    if over.is_set():
        return OSError(0, "nobody waited for it")
    try:
        return local_program.run(words, deadline, ask=ask, over=over.is_set)
    except OSError as error:
        return error


def _value(ended: local_program.Ended | OSError, deadline: int) -> Secret | str:
    """What a command yielded, or why that is no value."""
    if isinstance(ended, OSError):
        return f"could not be started: {ended.strerror}"
    if len(ended.out) > local_program.MOST:
        return "printed more than the 128 KiB that a variable can hold"
    if ended.code is None:
        return f"gave no answer within {deadline} s"
    return _printed(ended.out) if ended.code == 0 else _failed(ended.code, ended.said)


def _printed(out: bytes) -> Secret | str:
    if b"\0" in out:
        return "printed a NUL byte, which no env file can hold"
    try:
        # Without the line break that a tool adds behind a value.
        text = out.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        return "printed what is no UTF-8"
    return Secret(text) if text else "printed nothing"


def _failed(code: int, said: bytes) -> str:
    how = f"was ended by signal {-code}" if code < 0 else f"failed with exit code {code}"
    return ": ".join((how, *_said(said)))


def _said(said: bytes) -> Iterator[str]:
    """The lines of stderr that a tool's reason is in."""
    lines = [line.strip() for line in said.decode(errors="replace").splitlines() if line.strip()]
    if lines:
        yield "; ".join(veiled(line) for line in telling(lines, _LINES))
