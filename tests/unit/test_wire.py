"""The line sent and the frames read: run through a real bash, since its reading is what counts."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schedgen_ops import wire
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, Secret, script, sh

NONCE = "0123456789abcdef"


def local(request: wire.Request) -> subprocess.CompletedProcess[bytes]:
    """What sshd does: the line as one argument of the login shell."""
    return subprocess.run(
        ["/bin/sh", "-c", request.line], input=request.stdin, capture_output=True, check=False
    )


def run(command: Command, deadline: float = 10) -> tuple[wire.FramedAnswer, int]:
    done = local(wire.single(command, deadline=deadline, nonce=NONCE))
    return wire.answer(done.stdout, done.stderr, NONCE), done.returncode


def batch(*commands: Command) -> tuple[Result, ...]:
    done = local(wire.several(commands, deadline=10, nonce=NONCE))
    return wire.results(wire.answer(done.stdout, done.stderr, NONCE), NONCE)


def outcome(result: Result) -> tuple[str, str, int]:
    return result.stdout, result.stderr, result.code


def test_the_line_names_the_deadline_and_runs_bash_with_pipefail() -> None:
    line = wire.single(sh("true"), deadline=90, nonce=NONCE).line
    assert line.startswith("exec timeout -k 5 90 bash --norc -o pipefail -c '")
    assert " 0.25 bash" in wire.single(sh("true"), deadline=0.25, nonce=NONCE).line


def test_stdout_stderr_and_code_come_back_apart() -> None:
    reply, code = run(script("echo out; echo err >&2; exit 7"))
    assert (reply.stdout, reply.stderr, reply.banner, code) == (b"out\n", b"err\n", "", 7)


def test_a_failing_part_of_a_pipe_fails_the_pipe() -> None:
    assert run(Command("false | cat"))[1] == 1


@pytest.mark.parametrize("value", ["plain", "", "a b;'\"$(id)`id`\\", "two\nlines\n", "žluť 漢字"])
def test_a_secret_reaches_the_command_and_not_the_line(value: str) -> None:
    command = Command('printf %s "$TOKEN"; cat').with_secret("TOKEN", Secret(value)).with_stdin("rest")
    request = wire.single(command, deadline=5, nonce=NONCE)
    if value:
        assert value not in request.line
    assert wire.answer(local(request).stdout, b"", NONCE).stdout == f"{value}rest".encode()


def test_a_command_without_input_reads_nothing_of_the_channel() -> None:
    request = replace(wire.single(Command("cat"), deadline=5, nonce=NONCE), stdin=b"of the channel")
    done = local(request)
    assert (wire.answer(done.stdout, done.stderr, NONCE).stdout, done.returncode) == (b"", 0)


@pytest.mark.parametrize("long", ["", "x" * 300_000])
def test_a_command_with_input_ends_once_all_of_it_arrived(long: str) -> None:
    request = wire.single(Command(f": {long}; exit 3").with_stdin("part"), deadline=9, nonce=NONCE)
    with subprocess.Popen(["/bin/sh", "-c", request.line], stdin=subprocess.PIPE) as process:
        assert process.stdin
        process.stdin.write(request.stdin)
        process.stdin.flush()
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.stdin.close()
        assert process.wait(5) == 3


def test_a_held_command_ends_while_its_input_is_open() -> None:
    request = wire.single(Command("exit 3"), deadline=9, nonce=NONCE, held=True)
    with subprocess.Popen(["/bin/sh", "-c", request.line], stdin=subprocess.PIPE) as process:
        assert process.wait(5) == 3


def test_a_line_too_long_for_one_argument_still_runs() -> None:
    long = "x" * 300_000
    reply, code = run(
        Command(f"printf %s '{long}' | wc -c; printf %s \"$S\"; cat").with_secret("S", Secret("s!"))
    )
    assert (reply.stdout, code) == (b"300000\ns!", 0)


def test_the_deadline_ends_the_command_with_124() -> None:
    assert run(script("echo begun; sleep 9"), deadline=0.2)[1] == 124


def test_the_banner_of_a_login_shell_is_told_apart() -> None:
    request = wire.single(sh("echo", "answer"), deadline=5, nonce=NONCE)
    loud = replace(request, line=f"printf '\\n\\033[1mWelcome\\007\\nto prod'; echo warn >&2; {request.line}")
    done = local(loud)
    reply = wire.answer(done.stdout, done.stderr, NONCE)
    assert (reply.stdout, reply.stderr, reply.banner) == (b"answer\n", b"", "[1mWelcome")


def test_a_shell_that_never_ran_the_line_is_noticed() -> None:
    with pytest.raises(wire.NoFrame):
        wire.answer(b"This account is currently not available.\n", b"", NONCE)


def test_every_command_of_a_batch_runs_and_keeps_its_own_result() -> None:
    found = batch(
        sh("printf", "no newline"),
        script("echo err >&2; exit 3"),
        sh("true"),
        Command("echo 'unclosed"),
        Command("exit 9"),
        Command("cat; echo end"),
        sh("schedgen-no-such-program"),
    )
    assert [result.code for result in found] == [0, 3, 0, 2, 9, 0, 127]
    assert [result.stdout for result in found] == ["no newline", "", "", "", "", "end\n", ""]
    assert found[1].stderr == "err\n"


def test_a_batch_measures_each_command() -> None:
    slow, quick = batch(sh("sleep", "0.2"), sh("true"))
    assert 0.2 <= slow.seconds < 1
    assert quick.seconds < 0.2


def test_a_secret_of_one_command_of_a_batch_is_not_seen_by_the_others() -> None:
    show = Command('printf "%s" "${TOKEN-none}"')
    found = batch(
        show, show.with_secret("TOKEN", Secret("one'\n")), show.with_secret("TOKEN", Secret("two")), show
    )
    assert [result.stdout for result in found] == ["none", "one'\n", "two", "none"]


def test_a_batch_refuses_stdin() -> None:
    with pytest.raises(ValueError, match="stdin"):
        wire.several([sh("cat").with_stdin("x")], deadline=1, nonce=NONCE)


def test_the_process_list_does_not_hold_the_mark() -> None:
    own_line = Command("tr '\\0' '\\n' < /proc/$$/cmdline; tr '\\0' '\\n' < /proc/$PPID/cmdline")
    first, second = batch(own_line, sh("echo", "after"))
    assert NONCE in first.stdout
    assert outcome(second) == ("after\n", "", 0)


def test_a_batch_that_was_cut_short_returns_what_was_finished() -> None:
    done = local(
        wire.several([sh("echo", "1"), sh("sleep", "9"), sh("echo", "3")], deadline=0.3, nonce=NONCE)
    )
    found = wire.results(wire.answer(done.stdout, done.stderr, NONCE), NONCE)
    assert [outcome(result) for result in found] == [("1\n", "", 0)]


pieces = st.one_of(
    st.binary(max_size=40),
    st.sampled_from([b"\x1e", NONCE.encode(), f"{NONCE} 0 1".encode(), b"\n", b"\xff\xfe", b"\x1e" * 3]),
)
outputs = st.lists(pieces, max_size=5).map(b"".join).filter(lambda data: b"\x1e" + NONCE.encode() not in data)


@settings(max_examples=200, deadline=None)
@given(banner=outputs, frames=st.lists(st.tuples(outputs, outputs, st.integers(0, 255)), max_size=6))
def test_frames_are_read_back_whatever_the_programs_print(
    banner: bytes, frames: list[tuple[bytes, bytes, int]]
) -> None:
    def mark(code: int) -> bytes:
        return f"\x1e{NONCE} {code} 1\x1e".encode()

    start = wire.start_mark(NONCE)
    out = banner + start + mark(0) + b"".join(out + mark(code) for out, _err, code in frames)
    err = start + mark(0) + b"".join(err + mark(code) for _out, err, code in frames)
    found = wire.results(wire.answer(out, err, NONCE), NONCE)
    assert [outcome(result) for result in found] == [
        (wire.text(out), wire.text(err), code) for out, err, code in frames
    ]


@settings(max_examples=25, deadline=None)
@given(data=st.binary(max_size=3000))
def test_any_bytes_pass_through_stdin_and_back(data: bytes) -> None:
    reply, code = run(sh("cat").with_secret("T", Secret("x")).with_stdin(data))
    assert (reply.stdout, code) == (data, 0)


@settings(max_examples=25, deadline=None)
@given(
    words=st.lists(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=20), max_size=4)
)
def test_any_words_arrive_as_they_are(words: list[str]) -> None:
    found = batch(sh("printf", "%s\\0", *words), script('printf "%s\\0" "$@"', *words))
    expected = "".join(f"{word}\0" for word in words) if words else "\0"
    assert [result.stdout for result in found] == [expected, expected]
