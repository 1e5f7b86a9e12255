"""Nothing of a secret is in what an operator, a log or a journal is shown."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import quickly

from schedgen_ops import events, wire
from schedgen_ops.checklist.boxes import Mark
from schedgen_ops.command_errors import checked, last_lines, timed_out
from schedgen_ops.commands.compose import Compose
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host.capture import Lines
from schedgen_ops.masking import Veil, mask, veiled
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, Secret, sh

COMPOSE = Compose(Docker(), "p", "/srv/p")
# What `docker compose config --format json` had printed when its time was up.
CUT = '{"services": {"web": {"environment": {"POSTGRES_PASSWORD": "hunter2!", "PLAIN": "s3cr'
KEY = "-----BEGIN KEY-----\nMIIEpAIBAAKCAQEA\nq83vEjRWeJq8\n\n}\n-----END KEY-----\n"


@pytest.mark.parametrize(
    "command", [COMPOSE.resolve("/r"), COMPOSE.pin("/r", "{}"), COMPOSE.resolve("/r").in_dir("/x")]
)
def test_a_configuration_that_was_cut_off_is_in_no_message(command: Command) -> None:
    for result in (Result(CUT, "", 124, 60), Result(f"{CUT}\n", "\n", 1, 1)):
        assert last_lines(command, result) == ""
        assert timed_out(command, result, "app1", 60).detail == ""


def test_joined_commands_stay_private() -> None:
    read = COMPOSE.resolve("/r")
    assert all(
        joined.private for joined in (read.and_then(sh("true")), sh("true").or_else(read), read.quiet())
    )


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("no configuration file provided: not found", "no configuration file provided: not found"),
        ('services.web.environment.DB_PASSWORD: "hun ter2"', "services.web.environment.DB_PASSWORD: ***"),
        ("unexpected API_KEY=abc", "unexpected API_KEY=***"),
        ("postgres://app:hunter2@db/x refused", "postgres://app:***@db/x refused"),
    ],
)
def test_what_is_said_of_it_is_shown_without_values(said: str, shown: str) -> None:
    assert veiled(said) == shown
    assert last_lines(COMPOSE.resolve("/r"), Result(CUT, said, 15, 1)) == shown


def shows(value: str, *outputs: str) -> str:
    """What is shown of lines that come as they come."""
    command = Command("x").with_secret("T", Secret(value))
    seen: list[str] = []
    lines = Lines(command, wire.start_mark("n"), seen.append)
    lines.out(wire.start_mark("n") + "".join(outputs).encode())
    lines.finish()
    return "\n".join(seen)


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    assert shows(KEY, f"bad key:\n{KEY}", f"in one: {json.dumps(KEY)}") == (
        'bad key:\n***\n***\n***\n\n}\n***\nin one: "***"'
    )
    failed = Result("", KEY + "error: no key\n", 1, 1)
    with pytest.raises(Exception, match="failed") as caught:
        checked(Command("x").with_secret("T", Secret(KEY)), failed, "app1")
    assert "MII" not in caught.value.detail  # type: ignore[attr-defined]
    assert caught.value.detail.endswith("error: no key")  # type: ignore[attr-defined]


def test_a_very_short_secret_does_not_mask_all_there_is() -> None:
    assert shows("1", "port 5121 is in use, pin 1\n") == "port 5121 is in use, pin ***"
    assert shows("", "nothing to hide\n") == "nothing to hide"


@quickly
@given(
    value=st.text(st.characters(exclude_characters="\0"), min_size=4, max_size=30),
    before=st.text(max_size=9),
    after=st.text(max_size=9),
)
def test_no_line_of_a_secret_is_shown(value: str, before: str, after: str) -> None:
    shown = mask(Command("x").with_secret("T", Secret(value)), before + value + after)
    for line in value.splitlines():
        if len(line.strip()) >= 4 and line.strip() not in before + "***" + after:
            assert line.strip() not in shown


def test_a_long_line_is_looked_through_once() -> None:
    line = "x" * 200_000 + " my_db_password=hunter22"
    assert veiled(line) == "x" * 200_000 + " my_db_password=***"


def test_a_veil_covers_whatever_is_told() -> None:
    veil = Veil()
    veil.learn(["s3cret-value-of-some-length", "first line\nsecond line"])
    told = events.RunStarted(
        "deploy", "r", "e", "with s3cret-value-of-some-length", facts=(("A", "first line"),)
    )
    covered = veil.over(told)
    assert (covered.title, covered.facts) == ("with ***", (("A", "***"),))
    assert veil.over([{"a": ("second line", 3, None)}]) == [{"a": ("***", 3, None)}]
    assert veil.over((Mark.FAILED,))[0] is Mark.FAILED


def test_a_value_that_a_line_cuts_is_covered_too() -> None:
    veil = Veil()
    veil.learn(["s3cret-value-of-some-length"])
    assert veil.text("said s3cret-value-of-") == "said ***"
    assert veil.text("alue-of-some-length, it said") == "***, it said"
    assert veil.text("nothing of it\ns3cret-value") == "nothing of it\n***"
