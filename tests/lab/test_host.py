"""Commands on a host, over a real sshd."""

from __future__ import annotations

import http.client
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sshd import Sshd, sshd

from schedgen_ops.errors import CommandFailed, CommandTimedOut, ConnectionLost, OpsError, Unreachable
from schedgen_ops.fleet import Fleet
from schedgen_ops.host import Host
from schedgen_ops.shell import Command, Secret, script, sh


@pytest.fixture
def host(server: Sshd) -> Iterator[Host]:
    one = server.host()
    yield one
    one.close()


def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if holds():
            return True
        time.sleep(0.05)
    return holds()


def running(text: str) -> list[int]:
    """The processes of this machine whose command line holds `text`."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if text.encode() in (folder / "cmdline").read_bytes() and int(folder.name) != os.getpid():
                found.append(int(folder.name))
        except OSError:
            continue
    return found


def test_a_command_returns_its_output_apart_and_its_exit_code(host: Host) -> None:
    result = host.run(script("echo out; echo err >&2; exit 3"), deadline=5, check=False)
    assert (result.stdout, result.stderr, result.code) == ("out\n", "err\n", 3)
    assert 0 < result.seconds < 5


def test_a_failure_names_the_command_the_code_and_its_last_words(host: Host) -> None:
    with pytest.raises(CommandFailed) as caught:
        host.run(script("seq 30 >&2; exit 3", title="count"), deadline=5)
    assert "`count` failed with exit code 3" in str(caught.value)
    assert caught.value.detail.splitlines() == [str(number) for number in range(16, 31)]
    assert (caught.value.host, caught.value.code) == ("app1", 3)


def test_a_batch_is_one_round_trip_with_a_result_each(host: Host) -> None:
    found = host.batch([sh("printf", "a"), script("echo b >&2; exit 4"), sh("no-such-program")], deadline=5)
    assert [result.code for result in found] == [0, 4, 127]
    assert (found[0].stdout, found[1].stderr) == ("a", "b\n")


def test_a_batch_that_runs_into_its_deadline_names_the_command(host: Host) -> None:
    with pytest.raises(CommandTimedOut, match="the slow one"):
        host.batch([sh("true"), sh("sleep", "20").named("the slow one"), sh("true")], deadline=0.3)


def test_lines_arrive_while_the_command_runs(host: Host) -> None:
    seen: list[tuple[float, str]] = []
    begun = time.monotonic()
    result = host.stream(
        script("echo one; sleep 0.5; echo two >&2; printf 'draft\\rthree'"),
        lambda line: seen.append((time.monotonic() - begun, line)),
        deadline=5,
    )
    assert [line for _when, line in seen] == ["one", "two", "three"]
    assert seen[1][0] - seen[0][0] > 0.3
    assert (result.stdout, result.stderr) == ("one\nthree\n", "two\n")


def test_a_stream_keeps_the_last_fifty_lines_and_its_failure_shows_them(host: Host) -> None:
    seen: list[str] = []
    with pytest.raises(CommandFailed) as caught:
        host.stream(script("seq 100000; exit 2"), seen.append, deadline=20)
    assert len(seen) == 100_000
    assert caught.value.detail.splitlines()[-1] == "100000"


def test_a_secret_is_in_no_process_list_and_no_error(host: Host) -> None:
    value = f"s3cret-{secrets.token_hex(4)}\nwith 'two' lines"
    show = Command('printf %s "$TOKEN"; ps -ewwo args >&2').with_secret("TOKEN", Secret(value))
    result = host.run(show, deadline=5)
    assert result.stdout == value
    assert "timeout -k" in result.stderr
    assert value.split("\n", maxsplit=1)[0] not in result.stderr
    lines: list[str] = []
    told = Command('echo "password: $T"; exit 1').with_secret("T", Secret("hunter2"))
    with pytest.raises(CommandFailed) as caught:
        host.stream(told, lines.append, deadline=5)
    assert lines == ["password: ***"]
    assert caught.value.detail == "password: ***"


def test_the_deadline_ends_the_process_on_the_host(host: Host) -> None:
    mark = f"7{secrets.randbelow(10**8):08d}"
    begun = time.monotonic()
    with pytest.raises(CommandTimedOut, match=r"ended after 0\.5 s") as caught:
        host.run(script('echo "began"; sleep "$1"', mark), deadline=0.5)
    assert time.monotonic() - begun < 3
    assert caught.value.detail == "began"
    assert eventually(lambda: not running(mark))


def test_a_process_that_ignores_the_polite_signal_is_killed(host: Host) -> None:
    begun = time.monotonic()
    with pytest.raises(CommandTimedOut):
        host.run(script("trap '' TERM; while true; do sleep 0.2; done"), deadline=0.3)
    assert 5 < time.monotonic() - begun < 9


@pytest.mark.parametrize("size", [0, 1, 40_000, 5_000_000])
def test_stdin_of_any_size_goes_in_while_output_comes_back(host: Host, size: int) -> None:
    data = os.urandom(size)
    result = host.run(sh("base64", "-w0").with_stdin(data), deadline=30, limit=10_000_000)
    import base64

    assert base64.b64decode(result.stdout) == data


def test_a_command_that_leaves_a_large_stdin_unread_still_ends(host: Host) -> None:
    assert host.run(sh("true").with_stdin(b"x" * 20_000_000), deadline=20).code == 0


def test_binary_output_is_replaced_and_never_an_error(host: Host) -> None:
    assert host.run(script(r"printf 'a\377\000b'"), deadline=5).stdout == "a\ufffd\0b"


def test_more_output_than_the_limit_is_an_error_that_says_so(host: Host) -> None:
    with pytest.raises(CommandFailed, match="more than the 1000 bytes"):
        host.run(script("head -c 20000000 /dev/zero"), deadline=30, limit=1000)
    assert host.run(sh("echo", "well"), deadline=5).text == "well"


def test_large_output_takes_linear_time(host: Host) -> None:
    begun = time.monotonic()
    result = host.run(script("head -c 64000000 /dev/zero"), deadline=60, limit=70_000_000)
    assert len(result.stdout) == 64_000_000
    assert time.monotonic() - begun < 30


def test_a_process_left_in_the_background_does_not_hold_the_command(host: Host) -> None:
    begun = time.monotonic()
    assert host.run(script("sleep 8 & echo started"), deadline=20).text == "started"
    assert time.monotonic() - begun < 4


def test_put_is_atomic_and_get_reads_it_back(host: Host, tmp_path: Path) -> None:
    target = tmp_path / "a file's name"
    data = os.urandom(3_000_000)
    host.put(data, str(target), mode=0o640)
    assert target.read_bytes() == data
    assert target.stat().st_mode & 0o777 == 0o640
    assert host.get(str(target), limit=3_000_000) == data
    assert list(tmp_path.iterdir()) == [target]


def test_put_and_get_fail_in_words(host: Host, tmp_path: Path) -> None:
    with pytest.raises(CommandFailed, match="write /no/such/folder"):
        host.put(b"x", "/no/such/folder/file")
    with pytest.raises(CommandFailed, match="read /no/such/file") as caught:
        host.get("/no/such/file", limit=10)
    assert "No such file" in caught.value.detail
    (tmp_path / "big").write_bytes(b"x" * 11)
    with pytest.raises(CommandFailed, match="larger than 10 bytes"):
        host.get(str(tmp_path / "big"), limit=10)


def test_a_held_process_lives_until_it_is_closed(host: Host) -> None:
    held = host.hold(
        script('echo ready; read line; echo "got $line" >&2; cat >/dev/null; exit 6'), deadline=60
    )
    assert (held.first, held.code, held.alive) == ("ready", None, True)
    assert host.run(sh("echo", "beside"), deadline=5).text == "beside"
    held.send("sixsix")
    held.close()
    held.close()
    assert (held.code, held.alive) == (6, False)


def test_a_held_process_gets_its_secret_and_keeps_its_stdin(host: Host) -> None:
    command = Command('read line; echo "$T $line"; cat >/dev/null').with_secret("T", Secret("hush"))
    held = host.hold(command.with_stdin("hello\n"), deadline=60)
    assert held.first == "*** hello"
    held.close()


def test_a_process_that_ends_before_it_is_ready_fails_with_its_words(host: Host) -> None:
    with pytest.raises(CommandFailed, match="exit code 7") as caught:
        host.hold(script("echo 'held by bob' >&2; exit 7"), deadline=10)
    assert caught.value.detail.strip() == "held by bob"
    with pytest.raises(CommandTimedOut):
        host.hold(sh("sleep", "20"), deadline=0.5)


def test_a_held_process_ends_when_the_connection_is_closed(server: Sshd) -> None:
    mark = f"mark-{secrets.token_hex(4)}"
    host = server.host()
    host.hold(script("echo ready; cat >/dev/null", mark), deadline=60)
    assert running(mark)
    host.close()
    assert eventually(lambda: not running(mark))


def test_a_port_of_the_host_is_reached_through_a_local_one(host: Host, tmp_path: Path) -> None:
    (tmp_path / "page").write_text("x" * 300_000)
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as site:
        assert site.stdout is not None
        port = int(site.stdout.readline().split(" port ")[1].split()[0])
        with host.forward(port) as local_port:
            for _ in range(3):
                client = http.client.HTTPConnection("127.0.0.1", local_port, timeout=5)
                client.request("GET", "/page")
                assert len(client.getresponse().read()) == 300_000
                client.close()
        site.terminate()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", local_port), timeout=2)


def test_a_banner_of_the_login_shell_is_kept_apart(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / ".bashrc").write_text("echo; echo 'Welcome to prod'; echo 'no newline' >&2\n")
    with sshd(tmp_path / "sshd", f"SetEnv HOME={tmp_path}/home") as server:
        host = server.host()
        assert host.banner == ""
        assert host.run(sh("echo", "answer"), deadline=5).stdout == "answer\n"
        assert host.banner == "Welcome to prod"
        first, second = host.batch([sh("echo", "1"), script("echo 2 >&2")], deadline=5)
        assert (first.stdout, first.stderr, second.stdout, second.stderr) == ("1\n", "", "", "2\n")
        seen: list[str] = []
        host.stream(sh("echo", "line"), seen.append, deadline=5)
        held = host.hold(script("echo ready; cat"), deadline=5)
        assert (seen, held.first) == (["line"], "ready")


def test_a_login_that_runs_no_commands_is_explained(tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd", "ForceCommand echo 'Only git here'; exit 1") as server:
        with pytest.raises(CommandFailed, match="did not run `true`") as caught:
            server.host().run(sh("true"), deadline=5)
        assert caught.value.detail == "Only git here"


def test_a_connection_cut_midway_leaves_the_outcome_unknown(tmp_path: Path) -> None:
    with sshd(tmp_path / "sshd") as server:
        host = server.host()
        host.open()
        threading.Timer(0.5, server.cut).start()
        begun = time.monotonic()
        with pytest.raises(ConnectionLost, match="`the build` on app1 is unknown") as caught:
            host.run(sh("sleep", "20").named("the build"), deadline=25)
        assert time.monotonic() - begun < 5
        assert "may still be running" in caught.value.hint
        assert host.run(sh("echo", "again"), deadline=5).text == "again"


def test_a_host_that_stands_still_is_given_up_after_the_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("schedgen_ops.host.channel_pool._GRACE", 1.0)
    with sshd(tmp_path / "sshd") as server:
        host = server.host()
        host.open()
        (session,) = server.sessions()
        threading.Timer(0.5, os.kill, (session, signal.SIGSTOP)).start()
        begun = time.monotonic()
        with pytest.raises(ConnectionLost, match="is unknown: no word 1 s after its deadline"):
            host.run(sh("sleep", "1"), deadline=2)
        assert time.monotonic() - begun < 8
        with pytest.raises(Unreachable, match=r"does not answer any more; `true` was not started"):
            host.run(sh("true"), deadline=1)
        os.kill(session, signal.SIGCONT)
        assert host.run(sh("echo", "back"), deadline=5).text == "back"


def test_a_command_killed_on_the_host_is_unknown_not_failed(host: Host) -> None:
    with pytest.raises(ConnectionLost, match="killed there"):
        host.run(script('kill -KILL "$PPID"; sleep 1'), deadline=5)


def test_interrupt_ends_commands_on_the_host_but_not_held_ones(host: Host) -> None:
    mark = f"7{secrets.randbelow(10**8):08d}"
    held = host.hold(script("echo ready; cat"), deadline=60)
    threading.Timer(0.5, host.interrupt).start()
    with pytest.raises(OpsError):
        host.run(script('sleep "$1"; true', mark), deadline=20)
    assert eventually(lambda: not running(mark))
    assert held.alive
    held.close()


def test_a_listener_that_fails_ends_the_command_on_the_host(host: Host) -> None:
    mark = f"7{secrets.randbelow(10**8):08d}"

    def listener(line: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        host.stream(script('echo begun; sleep "$1"; true', mark), listener, deadline=20)
    assert eventually(lambda: not running(mark))


def test_closing_ends_what_runs_and_refuses_more(server: Sshd) -> None:
    host = server.host()
    host.open()
    threading.Timer(0.3, host.close).start()
    with pytest.raises(ConnectionLost):
        host.run(sh("sleep", "20"), deadline=25)
    with pytest.raises(Unreachable, match="was closed"):
        host.run(sh("true"), deadline=5)


def test_one_connection_serves_many_threads(server: Sshd) -> None:
    host = server.host()
    results: list[str] = []

    def work(number: int) -> None:
        results.append(host.run(script('sleep 0.2; echo "$1"', str(number)), deadline=20).text)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(24)]
    logins = server.log.count("Accepted publickey")
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(results, key=int) == [str(number) for number in range(24)]
    assert server.log.count("Accepted publickey") == logins + 1


def test_the_lines_of_a_held_process_come_as_it_says_them(server: Sshd) -> None:
    heard: list[str] = []
    told = script('echo ready; seq 100000; IFS= read -r word; echo "heard $word"; cat; echo last')
    held = server.host().hold(told, deadline=60, on_line=heard.append)
    # Far more than fits a channel that nobody reads.
    assert eventually(lambda: len(heard) == 100_001, 20)
    held.send("you")
    assert eventually(lambda: heard[-1] == "heard you")
    held.close()
    assert (held.code, held.first, heard[0], heard[-1]) == (0, "ready", "ready", "last")


def test_what_a_held_process_said_before_the_connection_broke_was_heard(server: Sshd) -> None:
    heard: list[str] = []
    held = server.host().hold(script("echo ready; echo this; cat"), deadline=60, on_line=heard.append)
    assert eventually(lambda: heard == ["ready", "this"])
    server.cut()
    assert eventually(lambda: not held.alive)
    held.close()
    assert (held.code, heard) == (None, ["ready", "this"])


def test_more_commands_than_sessions_of_sshd_wait_for_their_turn(server: Sshd) -> None:
    host = server.host()
    held = [host.hold(script("echo ready; cat"), deadline=60) for _ in range(2)]
    answers: list[str] = []

    def work() -> None:
        for _ in range(25):
            answers.append(host.run(sh("echo", "up"), deadline=20).text)

    threads = [threading.Thread(target=work) for _ in range(12)]
    # On a busy machine a command may be over before this side gets to its next line.
    with _busy():
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    assert answers == ["up"] * 300
    for one in held:
        one.close()


def test_eight_hosts_in_threads_answer_in_order(server: Sshd) -> None:
    names = [f"app{number}" for number in range(1, 9)]
    fleet = Fleet(server.hosts(*names))
    begun = time.monotonic()
    found = fleet.each(lambda host: host.run(script("sleep 0.5; echo up"), deadline=20).text)
    assert found.values() == ("up",) * 8
    assert tuple(found.ok) == tuple(names)
    assert time.monotonic() - begun < 4
    fleet.close()


@contextmanager
def _busy() -> Iterator[None]:
    loops = [
        subprocess.Popen(["timeout", "120", "sh", "-c", "while :; do :; done"])
        for _ in range(2 * (os.cpu_count() or 1))
    ]
    try:
        yield
    finally:
        for loop in loops:
            loop.terminate()
            loop.wait()
