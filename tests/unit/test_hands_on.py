"""`inv exec`, `inv shell`, `inv db` and `inv run` on simulated hosts."""

from __future__ import annotations

import io
import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from command_line import typed
from fakes import FakeHost, result
from hypothesis import given
from hypothesis import settings as tuned
from hypothesis import strategies as st
from invoke.collection import Collection
from invoke.tasks import Task
from kit import settings, written
from test_tasks import Capture, Inv

from schedgen_ops.commands.docker import Container
from schedgen_ops.databases import engine_of
from schedgen_ops.errors import ConfigError, ConnectionLost, Refused
from schedgen_ops.looking.container import choose
from schedgen_ops.shell import sh
from schedgen_ops.tasks.words import behind_dashes
from schedgen_ops.ui.remote_output import RemoteOutput

inv = test_tasks.inv
SECRET = "hunter2 $(id)"


def box(name: str, service: str = "backend", *, status: str = "running", release: str = "") -> Container:
    blank: dict[str, Any] = {
        "image": "",
        "image_name": "",
        "health": "",
        "started": "",
        "definition": "",
        "written": "",
    }
    return Container(
        id=f"id-{name}",
        name=name,
        service=service,
        status=status,
        restarts=0,
        exit_code=1,
        oom_killed=False,
        release=release,
        **blank,
    )


def listed(*boxes: tuple[str, str, str]) -> str:
    lines = []
    for name, service, status in boxes:
        labels = {"com.docker.compose.service": service, "com.docker.compose.project": "schedgen"}
        entry = {"id": f"id-{name}", "name": f"/{name}", "image": "i", "labels": labels, "status": status}
        more = {"health": "", "started": "", "restarts": 0, "exit_code": 1, "oom": False}
        lines.append(json.dumps({**entry, **more, "image_name": "i", "grace": None}))
    return "".join(f"{line}\n" for line in lines)


def host(name: str = "app1", said: Any = "", *, status: str = "running") -> FakeHost:
    there = listed(("p-backend-1", "backend", status), ("p-postgres-1", "postgres", "running"))
    answers = {"docker inspect": there, "read the releases": "\n"}
    texts = {"the command in backend": said, "the command in postgres": said, "the command": said}
    return FakeHost(name, {**answers, **texts})


@pytest.fixture
def tie(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is piped in."""
    with Path(os.devnull).open() as nothing:
        monkeypatch.setattr("sys.stdin", nothing)
        yield


WORDS = st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])), max_size=6)


@given(WORDS)
@tuned(max_examples=60, deadline=None)
def test_every_word_arrives_as_it_was_typed(words: list[str]) -> None:
    came: list[tuple[str, ...]] = []
    task: Task[Any] = Task(lambda _: came.append(behind_dashes()), name="try")
    collection = Collection()
    collection.add_task(task)
    assert typed(collection, "try", "--", *words) == 0
    assert came == [tuple(words)]
    line = sh("printf", r"%s\0", "", *came[0]).in_dir(tempfile.gettempdir())
    said = subprocess.run(["bash", "-c", line.text], capture_output=True, check=True).stdout
    assert said == b"".join(word.encode() + b"\0" for word in ("", *words))


def test_what_is_in_no_words_behind_dashes_is_none() -> None:
    assert behind_dashes() == ()


@pytest.mark.usefixtures("tie")
def test_a_command_goes_into_the_container_with_its_code(inv: Inv, capfdbinary: Any) -> None:
    one = host(said=result("out\n", stderr="err\n", code=7))
    assert inv("exec", "backend", "--", "sh", "-c", "echo 'a  b'", on=[one]) == 7
    assert tuple(capfdbinary.readouterr()) == (b"out\n", b"err\n")
    assert one.texts[-1] == "docker exec --interactive id-p-backend-1 sh -c 'echo '\"'\"'a  b'\"'\"''"


@pytest.mark.usefixtures("tie")
def test_several_hosts_are_told_apart_and_the_worst_code_counts(inv: Inv, capsys: Capture, two: None) -> None:
    hosts = [host("app1", result("one\ntwo", code=2)), host("app2", result("three\n", stderr="bad\n"))]
    assert inv("run", "--", "ls", on=hosts) == 2
    out, err = capsys.readouterr()
    assert sorted(out.splitlines()) == ["app1 | one", "app1 | two", "app2 | three"]
    assert err == "app2 | bad\n"


@pytest.fixture
def two(inv: Inv, tmp_path: Path) -> None:
    rows = [{"name": "app1", "address": "a"}, {"name": "app2", "address": "b"}]
    (tmp_path / "config/staging.yaml").write_text(written(hosts=rows))


@pytest.mark.parametrize("words", [("shell", "backend"), ("db",)], ids=" ".join)
def test_a_session_is_on_one_host_and_no_document(
    inv: Inv, capsys: Capture, two: None, words: tuple[str, ...]
) -> None:
    assert inv(*words, on=[host("app1"), host("app2")]) == 2
    assert "Say which with --hosts: app1, app2." in capsys.readouterr().err
    assert inv(*words, "--json", "--hosts", "app1", on=[host("app1")]) == 2


@pytest.mark.usefixtures("tie")
@pytest.mark.parametrize(
    ("words", "status", "code", "said"),
    [
        (("exec", "nope", "--", "ls"), "running", 2, "There are: backend,"),
        (("exec", "backend"), "running", 2, "It stands behind --"),
        (("run",), "running", 2, "It stands behind --"),
        (("run", "--", "x" * 70_000), "running", 2, "longer than"),
        (("exec", "backend", "--index", "3", "--", "ls"), "running", 2, "There are: 1."),
        (("exec", "backend", "--", "ls"), "exited", 3, "`inv ops.start backend` starts it"),
        (("shell", "backend"), "exited", 3, "p-backend-1 is exited (1)"),
    ],
)
def test_what_cannot_be_run_is_refused(
    inv: Inv, capsys: Capture, words: tuple[str, ...], status: str, code: int, said: str
) -> None:
    assert inv(*words, on=[host(status=status)]) == code
    assert said in capsys.readouterr().err


@pytest.mark.usefixtures("tie")
def test_a_document_has_each_host_and_no_message_the_words(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    assert inv("exec", "backend", "--json", "--", "login", SECRET, on=[host(said=result("x\n", code=4))]) == 4
    rows = json.loads(capsys.readouterr().out)["result"]
    assert rows == [{"host": "app1", "code": 4, "stdout": "x\n", "stderr": ""}]
    failing = host(said=ConnectionLost("gone", host="app1"))
    assert inv("exec", "backend", "--", "login", SECRET, on=[failing]) == 8
    assert "hunter2" not in "".join(capsys.readouterr())
    kept = [path.read_text() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert not any("hunter2" in text for text in kept)


@pytest.mark.usefixtures("tie")
def test_the_database_has_its_own_client_and_no_password_in_its_words(inv: Inv) -> None:
    one = host(said="")
    assert inv("db", "--read-only", on=[one]) == 0
    text = one.texts[-1]
    assert "id-postgres" in text or "p-postgres-1" in text
    assert "default_transaction_read_only=on' psql -X -v ON_ERROR_STOP=1 --no-password -U" in text
    database = settings().database
    assert database is not None
    interactive = engine_of("postgres").session(database, interactive=True, read_only=False)
    assert interactive[-5:] == ("psql", "-U", database.user, "-d", database.name)


@pytest.mark.parametrize(
    ("data", "said"),
    [(b"x" * (16 * 1024 * 1024 + 1), "longer than 16 MiB"), (b"SELECT 1;\0", "it has a NUL byte")],
    ids=["long", "binary"],
)
def test_what_cannot_be_sent_whole_to_the_database_is_refused(
    inv: Inv, capsys: Capture, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, data: bytes, said: str
) -> None:
    (tmp_path / "piped").write_bytes(data)
    one = host()
    with (tmp_path / "piped").open() as piped:
        monkeypatch.setattr("sys.stdin", piped)
        assert inv("db", on=[one]) == 2
    assert said in capsys.readouterr().err
    assert one.commands == []


def test_the_serving_release_comes_first_and_then_the_older_and_the_lower() -> None:
    old = [box("p-backend-1", release="a"), box("p-backend-2", release="a")]
    new = [box("p-backend-3", release="b")]
    stopped = [box("p-backend-0", release="b", status="exited")]
    pick = [choose([*new, *old, *stopped], "backend", 0, serving, "app1").name for serving in ("b", "a", "")]
    assert pick == ["p-backend-3", "p-backend-1", "p-backend-1"]
    assert choose([*new, *old], "backend", 2, "b", "app1").name == "p-backend-2"
    with pytest.raises(Refused, match="p-backend-0 is exited"):
        choose(stopped, "backend", 0, "b", "app1")
    with pytest.raises(ConfigError, match="no container 9 on app1"):
        choose(old, "backend", 9, "b", "app1")


class Tty(io.TextIOWrapper):
    """A terminal that keeps what it is sent."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO())

    def isatty(self) -> bool:
        return True


def test_a_hostile_line_is_harmless_on_a_terminal_and_whole_in_a_pipe() -> None:
    hostile = b"\x1b]0;owned\x07\x1b[2Jplain\r\n\xffx"
    screen, pipe = Tty(), io.TextIOWrapper(io.BytesIO())
    for stream in (screen, pipe):
        lines = RemoteOutput(stream, ("app1", "b"), {"TERM": "xterm"}).of("app1")
        for place in range(len(hostile)):
            lines.take(hostile[place : place + 1])
        lines.finish()
    head = b"\x1b[36mapp1 |\x1b[0m "
    assert screen.buffer.getvalue() == head + b"plain\n" + head + "\ufffdx\n".encode()  # type: ignore[attr-defined]
    assert pipe.buffer.getvalue() == b"app1 | " + hostile.replace(b"\n", b"\napp1 | ") + b"\n"


def test_a_line_without_an_end_takes_no_memory() -> None:
    written: list[int] = []

    class Counting(io.BytesIO):
        def write(self, data: Any) -> int:
            written.append(len(data))
            return len(data)

    lines = RemoteOutput(io.TextIOWrapper(Counting()), ("a",), {}).of("a")
    for _ in range(300):
        lines.take(b"x" * 10_000)
    assert max(written) < 100_000
    assert sum(written) > 2_900_000


@pytest.mark.parametrize("more", [(), ("--json",), ("--every", "0")], ids=" ".join)
def test_a_watch_without_a_terminal_is_refused(inv: Inv, capsys: Capture, more: tuple[str, ...]) -> None:
    assert inv("status", "--watch", *more, on=[host()]) == 2
    assert "--watch needs a terminal" in (said := "".join(capsys.readouterr())) or "--every is" in said
