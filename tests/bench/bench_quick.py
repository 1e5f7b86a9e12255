"""What `inv verify.quick` on one host costs this machine, beside plain `ssh` and a Fabric group.

A real sshd on loopback, a `docker` that prints a recorded answer, a web server that answers the checks: what
is measured is the tool itself. All three run the same script, each in a process of its own, in turns.
"""

from __future__ import annotations

import argparse
import getpass
import http.server
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

from sshd import Sshd, sshd

from schedgen_ops import loading
from schedgen_ops.parallel_batch import together
from schedgen_ops.verify import checks

ROOT = Path(__file__).parents[2]
RECORDED = ROOT / "tests" / "unit" / "recorded" / "containers.jsonl"
DOCKER = """#!/bin/bash
case " $* " in *' ps '*) echo 1f ;; *' inspect '*) cat {recorded} ;; esac
"""
GROUP = """
import sys
from fabric import ThreadingGroup
key, port, user, known = sys.argv[1:]
group = ThreadingGroup("127.0.0.1", user=user, port=int(port), connect_kwargs={"key_filename": key})
script = sys.stdin.read()
for result in group.run(script, in_stream=False, hide=True).values():
    sys.stdout.write(result.stdout)
"""


class Answers(http.server.BaseHTTPRequestHandler):
    """A web application that is well."""

    def do_GET(self) -> None:
        body = b'{"status": "ok"}\n'
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@contextmanager
def web() -> Iterator[int]:
    """The port of such an application on loopback."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()


def environment(folder: Path, server: Sshd, port: int) -> None:
    """A project's folder with a tasks.py and one environment, whose host is that server."""
    (folder / "config").mkdir()
    (folder / "tasks.py").write_text((ROOT / "tasks.py").read_text())
    url = f"http://127.0.0.1:{port}"
    config = {
        "project": "schedgen",
        "directory": str(folder),
        "hosts": [{"name": "app1", "address": "127.0.0.1", "port": server.port, "user": getpass.getuser()}],
        "ssh": {
            "config_file": None,
            "identity_file": str(server.key),
            "known_hosts": str(server.known_hosts),
            "agent": False,
        },
        "database": None,
        "objects": None,
        "migrations": None,
        "credentials": [],
        "verify": {"flow": None},
        "tiers": [{"name": "Application", "services": ["backend", "frontend", "prometheus"]}],
        "checks": [{"name": f"page-{number}", "url": f"{url}/{number}"} for number in range(4)],
    }
    (folder / "config" / "bench.yaml").write_text(json.dumps(config))


def cost(argv: Sequence[str], folder: Path, text: str, env: Mapping[str, str]) -> tuple[float, float]:
    """Seconds of processor time and of wall time that a command takes here, with `text` on its stdin."""
    before, begun = _spent(), time.perf_counter()
    done = subprocess.run(
        argv, cwd=folder, input=text, env=env, capture_output=True, text=True, check=False, timeout=60
    )
    wall, spent = time.perf_counter() - begun, _spent() - before
    if done.returncode:
        raise SystemExit(f"{argv[0]} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return spent, wall


def _spent() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    """Print the medians and how they compare."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--runs", type=int, default=15)
    runs = options.parse_args().runs
    with tempfile.TemporaryDirectory(prefix="schedgen-bench-") as name, web() as port:
        folder = Path(name)
        (folder / "bin").mkdir()
        (folder / "bin" / "docker").write_text(DOCKER.format(recorded=RECORDED))
        (folder / "bin" / "docker").chmod(0o755)
        path = f"SetEnv PATH={folder}/bin:{os.environ['PATH']} HOME={folder}"
        with sshd(folder / "sshd", path) as server:
            environment(folder, server, port)
            compare(folder, server, runs)


def compare(folder: Path, server: Sshd, runs: int) -> None:
    """Each in turns."""
    settings = loading.load("bench", root=folder)
    found = checks.on(settings, settings.hosts[0], checks.QUICK)
    text = together([check.command for check in found], 30).text
    user, port, key = getpass.getuser(), str(server.port), str(server.key)
    known = f"UserKnownHostsFile={server.known_hosts}"
    ssh = ["ssh", "-F", "none", "-i", key, "-p", port, "-o", known, f"{user}@127.0.0.1", "bash", "-s"]
    group = [sys.executable, "-c", GROUP, key, port, user, str(server.known_hosts)]
    ours = [sys.executable, "-m", "invoke", "verify.quick", "--env", "bench"]
    ways = {"ssh": (ssh, text), "Fabric group": (group, text), "inv verify.quick": (ours, "")}
    env = {
        **os.environ,
        "PYTHONDONTWRITEBYTECODE": "",
        "SCHEDGEN_STATE": str(folder / "state"),
        "NO_COLOR": "1",
    }
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for _ in range(runs):
        for name, (argv, stdin) in ways.items():
            spent[name].append(cost(argv, folder, stdin, env))
    print(f"{'':<20} {'CPU, median':>12} {'fastest':>9} {'wall, median':>13}")
    for name, pairs in spent.items():
        cpu, wall = zip(*pairs, strict=True)
        print(
            f"{name:<20} {_ms(statistics.median(cpu))} {_ms(min(cpu)):>9} {_ms(statistics.median(wall)):>13}"
        )
    ratio = _cpu(spent["inv verify.quick"]) / _cpu(spent["Fabric group"])
    print(f"inv verify.quick takes {ratio:.2f} of a Fabric group's CPU time")


def _cpu(pairs: Sequence[tuple[float, float]]) -> float:
    return statistics.median(cpu for cpu, _wall in pairs)


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:9.0f} ms"


if __name__ == "__main__":
    main()
