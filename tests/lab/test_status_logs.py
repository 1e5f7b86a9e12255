"""`inv status` and `inv logs` on a real host, with containers of a project of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from box import KEPT, ROOT, Box, Inv

from schedgen_ops.lab.place import LabHost, Place

PROJECT = "looking"
_COUNTING = (
    'i=0; while :; do i=$((i + 1)); echo "{\\"level\\":30,\\"msg\\":\\"line\\",\\"n\\":$i}"; sleep 0.05; done'
)


@pytest.fixture
def chatter(lab: Place) -> Iterator[Box]:
    """Host 1 with two services that log twenty lines a second."""
    box = Box(LabHost(1))
    remove = "docker rm -f looking-a-1 looking-b-1 > /dev/null 2>&1 || true"
    box.sh(remove)
    for name in ("a", "b"):
        labels = " ".join(
            f"--label com.docker.compose.{key}={value}"
            for key, value in (("project", PROJECT), ("service", name), ("oneoff", "False"))
        )
        words = f"docker run -d --name looking-{name}-1 {labels} --entrypoint sh lab/redis:7 -c '{_COUNTING}'"
        box.sh(words)
    yield box
    box.sh(remove)


@pytest.fixture
def env(lab: Place, tmp_path: Path) -> dict[str, str]:
    """The environment of that project."""
    place = str(lab.root)
    ssh = {"config_file": None, "identity_file": f"{place}/id_ed25519", "agent": False}
    ssh["known_hosts"] = f"{place}/known_hosts"
    config = {"project": PROJECT, "directory": "/tmp", "hosts_file": f"{place}/hosts.yaml", "ssh": ssh}
    (tmp_path / "look.yaml").write_text(json.dumps(config))
    return {
        "SCHEDGEN_CONFIG": str(tmp_path),
        "SCHEDGEN_ENV": "look",
        "SCHEDGEN_STATE": str(tmp_path / "state"),
    }


def numbers(text: str, service: str) -> list[int]:
    return [
        int(line.rpartition("n=")[2])
        for line in text.splitlines()
        if line.partition("|")[0].split()[-1:] == [service] and line.rpartition("n=")[2].isdecimal()
    ]


def test_status_shows_what_runs(inv: Inv, chatter: Box, env: dict[str, str]) -> None:
    ran = inv("status", "--hosts", chatter.name, "--json", env=env)
    assert ran.code == 0, ran.output
    found = json.loads(ran.stdout)["results"]
    assert found["Services"], ran.output
    assert [(row["service"], row["state"]) for row in found["Services"]] == [
        ("a", "running"),
        ("b", "running"),
    ]
    assert all(row["memory"]["used"] and row["cpu_percent"] is not None for row in found["Services"])
    assert (found["Hosts"][0]["well"], found["Hosts"][0]["lock"]) == ("2/2", "")


def test_logs_are_merged_in_order(inv: Inv, chatter: Box, env: dict[str, str]) -> None:
    ran = inv("logs", "a", "b", "--hosts", chatter.name, "--since", "1h", env=env)
    assert ran.code == 0, ran.output
    lines = ran.stdout.splitlines()
    assert [line[:18] for line in lines] == sorted(line[:18] for line in lines)
    for service in ("a", "b"):
        found = numbers(ran.stdout, service)
        assert found == list(range(1, len(found) + 1))


def test_following_loses_and_doubles_nothing_when_the_connection_drops(
    chatter: Box, env: dict[str, str], tmp_path: Path
) -> None:
    words = [sys.executable, "-m", "invoke", "logs", "--hosts", chatter.name, "--tail", "1", "--follow"]
    out = tmp_path / "out"
    with out.open("w") as sink:
        process = subprocess.Popen(
            words, cwd=ROOT, env={**os.environ, **KEPT, **env, "NO_COLOR": "1"}, stdout=sink, stderr=sink
        )
        try:
            _until(lambda: len(numbers(out.read_text(), "a")) > 20)
            chatter.sh(_CUT)
            _until(lambda: "The connection is back" in out.read_text())
            before = len(numbers(out.read_text(), "a"))
            _until(lambda: len(numbers(out.read_text(), "a")) > before + 20)
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        finally:
            process.kill()
    for service in ("a", "b"):
        found = numbers(out.read_text(), service)
        assert found == list(range(found[0], found[0] + len(found)))
    _until(lambda: not chatter.sh("pgrep -f 'docker events.*project=loo[k]ing' || true"))


# The sshd that our script is a child of.
_CUT = """
for pid in $(pgrep -f 'project=loo[k]ing'); do
  at=$pid
  until [ "$at" -le 1 ] || grep -q ^sshd "/proc/$at/comm"; do
    at=$(awk '{ print $4 }' "/proc/$at/stat")
  done
  if [ "$at" -gt 1 ]; then kill "$at"; exit; fi
done
exit 1
"""


def _until(true: object) -> None:
    assert callable(true)
    patience = time.monotonic() + 90
    while not true():
        assert time.monotonic() < patience
        time.sleep(0.1)
