"""Input that ends too early, run by a real bash: an error, and the world as it was."""

from __future__ import annotations

import base64
import os
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kit import BACKUP, bash

from schedgen_ops import framing, wire
from schedgen_ops.backup.catalog import remote_commands as backup
from schedgen_ops.commands import files
from schedgen_ops.commands.whole_input import whole_input
from schedgen_ops.shell import Command, Secret, script

NONCE = "0123456789abcdef"
# What a dead connection can leave of a transfer: nothing, a part, all but the last byte.
CUTS = (0, 1, 10, -10, -1)


def sent(request: wire.Request, stdin: bytes) -> subprocess.CompletedProcess[bytes]:
    """What sshd does with a request of which only `stdin` arrived."""
    return subprocess.run(["/bin/sh", "-c", request.line], input=stdin, capture_output=True, check=False)


def refused(request: wire.Request, stdin: bytes) -> None:
    done = sent(request, stdin)
    assert done.returncode == framing.CUT
    answer = wire.answer(done.stdout, done.stderr, NONCE)
    assert answer.stdout == b""
    assert b"its input did not arrive whole" in answer.stderr
    assert b"nothing was run" in answer.stderr


def request(command: Command, *, held: bool = False) -> wire.Request:
    return wire.single(command, deadline=20, nonce=NONCE, held=held)


def pieces(data: bytes, cuts: Sequence[int] = CUTS) -> list[bytes]:
    return [data[:cut] for cut in cuts if cut < len(data)]


def test_a_file_stays_as_it_was_wherever_its_new_text_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "release.json"
    path.write_text("old")
    write = request(files.replace(str(path), '{"id": "r2"}'))
    for stdin in pieces(write.stdin, range(len(write.stdin))):
        refused(write, stdin)
        assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [("release.json", "old")]
    assert sent(write, write.stdin).returncode == 0
    assert path.read_text() == '{"id": "r2"}'


@pytest.mark.parametrize("long", [100_000, 200_000])
def test_a_long_script_is_not_begun_before_its_last_byte_is_there(long: int, tmp_path: Path) -> None:
    folder = tmp_path / "precious"
    (folder / "old").mkdir(parents=True)
    remove = request(Command(f": {'x' * long}; touch {tmp_path}/begun; rm -rf {folder}/old"))
    assert len(remove.line) < 4096
    for stdin in pieces(remove.stdin, (*CUTS, -4, long + 40, long)):
        refused(remove, stdin)
        assert (folder / "old").is_dir()
        assert not (tmp_path / "begun").exists()
    assert sent(remove, remove.stdin).returncode == 0
    assert folder.is_dir()
    assert not (folder / "old").exists()


def test_more_than_was_announced_is_refused_too(tmp_path: Path) -> None:
    write = request(files.replace(f"{tmp_path}/file", "text"))
    refused(write, write.stdin + b"!")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("held", [False, True])
def test_a_half_of_a_secret_is_no_secret(held: bool) -> None:
    show = request(Command('printf "%s" "$T"').with_secret("T", Secret("s3cret")), held=held)
    for stdin in pieces(show.stdin):
        refused(show, stdin)
    answer = sent(show, show.stdin)
    assert wire.answer(answer.stdout, b"", NONCE).stdout == b"s3cret"


def test_nothing_of_a_batch_runs_with_half_of_a_secret(tmp_path: Path) -> None:
    commands = [script('touch "$1"', f"{tmp_path}/x"), Command("true").with_secret("T", Secret("abcdef"))]
    batch = wire.several(commands, deadline=20, nonce=NONCE)
    for stdin in pieces(batch.stdin):
        refused(batch, stdin)
    assert list(tmp_path.iterdir()) == []


def test_half_of_an_sql_file_is_not_run(tmp_path: Path) -> None:
    run = request(
        script('tee -- "$1" > /dev/null', f"{tmp_path}/ran").with_stdin("DROP ROLE a;\nCREATE ROLE a;")
    )
    for stdin in pieces(run.stdin, range(0, len(run.stdin), 3)):
        refused(run, stdin)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("missing", [17, 16, 8, 1])
def test_a_piece_of_a_name_ends_nobody(missing: int) -> None:
    """It is in the words of many a process; nothing at all is in those of every one."""
    mark = os.urandom(8).hex()
    with subprocess.Popen(["bash", "-c", f": {mark}; read -r"], stdin=subprocess.PIPE) as bystander:
        kill = wire.killer([mark])
        assert sent(kill, kill.stdin[:-missing]).returncode == framing.CUT
        assert bystander.poll() is None
        sent(kill, kill.stdin)
        assert bystander.wait(5) == -15


@pytest.mark.parametrize("build", [backup.update, backup.finish, backup.fail])
def test_a_manifest_is_written_whole_or_not_at_all(build: object, tmp_path: Path) -> None:
    """The script itself counts as well: what runs it on the host may be ended too."""
    for name in ("b", "b.part"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").write_text("old")
    command: Command = build("b", BACKUP)  # type: ignore[operator]
    data = str(command.stdin)
    for cut in CUTS:
        assert not bash(replace(command, stdin=data[:cut]), tmp_path).ok
        assert (tmp_path / "b/manifest.json").read_text() == "old"


@settings(max_examples=20, deadline=None)
@given(
    data=st.binary(max_size=300),
    secrets=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20), max_size=3),
    long=st.booleans(),
    cut=st.integers(0, 1 << 30),
)
def test_any_input_arrives_as_it_was_sent_or_nothing_is_run(
    data: bytes, secrets: list[str], long: bool, cut: int
) -> None:
    with tempfile.TemporaryDirectory() as name:
        text = f'touch {name}/begun; printf \'%s\\0\' "${{S0-}}" "${{S1-}}" "${{S2-}}" | base64 -w0; cat'
        command = Command(f": {'x' * 100_000 if long else ''}; {text}").with_stdin(data)
        for number, value in enumerate(secrets):
            command = command.with_secret(f"S{number}", Secret(value))
        whole = request(command)
        if whole.stdin:
            refused(whole, whole.stdin[: cut % len(whole.stdin)])
            assert not any(Path(name).iterdir())
        done = sent(whole, whole.stdin)
    values = [*secrets, "", "", ""][:3]
    expected = base64.b64encode(b"".join(value.encode() + b"\0" for value in values)) + data
    assert (wire.answer(done.stdout, done.stderr, NONCE).stdout, done.returncode) == (expected, 0)


def test_a_held_command_reads_on_behind_what_it_was_sent() -> None:
    held = request(Command('read -r a; read -r b; echo "$a $b"').with_stdin("first\n"), held=True)
    with subprocess.Popen(
        ["/bin/sh", "-c", held.line], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(held.stdin)
        process.stdin.flush()
        process.stdin.write(b"second\n")
        process.stdin.flush()
        assert wire.answer(process.stdout.read(), b"", NONCE).stdout == b"first second\n"


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_a_command_in_a_container_is_not_begun_before_its_input_is_whole(shell: str, tmp_path: Path) -> None:
    data = "SELECT 'é $(id) %s' \\\n\n".encode() * 9_000 + b"\xff\n\n"
    words = (shell, *whole_input(("tee", f"{tmp_path}/begun"), len(data))[1:])
    for stdin in (*pieces(data), data + b"!"):
        done = subprocess.run(words, input=stdin, capture_output=True, check=False)
        assert (done.returncode, done.stdout, list(tmp_path.iterdir())) == (framing.CUT, b"", [])
        assert b"nothing was run" in done.stderr
    assert subprocess.run(words, input=data, capture_output=True, check=True).stdout == data
    ended = (shell, *whole_input(("sh", "-c", "exit 3"), len(data))[1:])
    done = subprocess.run(ended, input=data, capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (3, b"")
