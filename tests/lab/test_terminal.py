"""`inv exec`, `inv shell` and `inv db` on a host of the lab, in a terminal and in pipes."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from box import KEPT, ROOT, Box
from deploy_kit import Operator
from screen import INV, Screen

from schedgen_ops.lab.place import Place


@pytest.fixture
def env(lab: Place, host: Box, tmp_path: Path) -> dict[str, str]:
    operator = Operator(lab, tmp_path, (host,)).configure()
    return {**os.environ, **KEPT, "SCHEDGEN_ENV": "lab", "TERM": "xterm", **operator.variables}


@pytest.fixture
def screen(host: Box, tmp_path: Path, env: dict[str, str]) -> Iterator[Screen]:
    """A shell in the database's container."""
    one = Screen(tmp_path, env, "shell", "postgres", "--hosts", host.name)
    yield one
    one.close()


def piped(env: dict[str, str], stdin: str, *words: str) -> tuple[int, str, str]:
    ran = subprocess.run(
        [*INV, *words], cwd=ROOT, env=env, input=stdin, capture_output=True, text=True, check=False
    )
    return ran.returncode, ran.stdout, ran.stderr


def test_a_shell_and_the_client_of_the_database_are_a_real_terminal(
    screen: Screen, host: Box, env: dict[str, str]
) -> None:
    # What is typed before the shell is there goes to nobody.
    screen.until(r"[#$] ")
    # Docker hands a size on when it likes.
    screen.type("until stty size | grep -x '30 100'; do sleep 0.1; done\n")
    screen.until(r"30 100\r\n")
    screen.type("sh -c 'echo is $TERM; exec sleep 300'\n")
    screen.until(r"is xterm\r\n")
    screen.type("\x03")
    screen.resize(70, 20)
    screen.type("until stty size | grep -x '20 70'; do sleep 0.1; done; echo seen $((40 + 2))\n")
    screen.until("seen 42\r\n")
    screen.type("exit 5\n")
    assert screen.code() == 5

    wanted = "--hosts", host.name
    assert piped(env, "SELECT 6 * 7;\nSELECT nope;\nSELECT 8;", "db", *wanted)[0] == 3
    code, out, _ = piped(env, "\\t\nSELECT 6 * 7;\n", "db", *wanted)
    assert (code, out.split()[-1]) == (0, "42")
    code, _, err = piped(env, "CREATE TABLE t (a int);", "db", "--read-only", *wanted)
    assert (code, "read-only transaction" in err) == (3, True)

    program = "sh", "-c", "cat; echo x >&2; exit 4"
    code, out, err = piped(env, "a\nb", "exec", "postgres", *wanted, "--", *program)
    assert (code, out, err) == (4, "a\nb", "x\n")
    host.sh("docker compose stop backend")
    code, _, err = piped(env, "", "exec", "backend", *wanted, "--", "true")
    assert (code, "`inv ops.start backend` starts it" in err) == (3, True)
    assert "no service backen" in piped(env, "", "shell", "backen", *wanted)[2]
