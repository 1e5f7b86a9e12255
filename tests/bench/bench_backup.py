"""`inv backup` of 1 GiB against a plain sequential script, and against its own parts run alone.

Runs on host 1 of the lab, which it fills for the measurement and puts back afterwards: half the data in the
database, half as objects. Needs 4 GB of free disk and some minutes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

from box import ROOT, Box
from deploy_kit import Operator

from schedgen_ops.lab import docker, manager
from schedgen_ops.lab.place import LabHost, find_place
from schedgen_ops.lab.progress import Silent

GOAL_SCRIPT, GOAL_PARTS = 0.5, 1.3
# $ROWS rows are 1/8 of the data: short texts, numbers and times, with hashes in them.
_ROWS = """
for table in 1 2 3 4; do
  docker compose exec -T postgres psql -qX -U schedgen -d schedgen </dev/null -c "
    CREATE TABLE bench_$table AS SELECT n, md5(($table * n)::text) AS a, md5((7 * n)::text) AS b,
      'Lecture in room ' || n % 300 AS c, now() + n * interval '1 minute' AS d
    FROM generate_series(1, $ROWS) n"
done
docker compose exec -T postgres psql -qX -U schedgen -d schedgen -c CHECKPOINT </dev/null
"""
# As PDFs are: most of each does not shrink, some of it does.
_OBJECTS = """
docker compose exec -T minio bash -c 'mkdir -p /data/bench; cd /data/bench; for n in $(seq 1 "$1"); do
  { head -c 524288 /dev/urandom; head -c 393216 /dev/urandom | base64 -w 76; } > $n.pdf
done; sync' bash "$FILES" </dev/null
"""
_DUMP = "docker compose exec -T postgres pg_dump -U schedgen schedgen"
_TAR = "docker compose cp minio:/data -"
_SCRIPT = f"{_DUMP} | gzip > backups/plain.sql.gz; {_TAR} | gzip > backups/plain.tar.gz"
_PARTS = {
    "pg_dump | gzip -1": f"{_DUMP} | gzip -1 > backups/part.sql.gz",
    "docker compose cp | gzip -1": f"{_TAR} | gzip -1 > backups/part.tar.gz",
    "pg_dump -Fd -j2": (
        "docker compose exec -T postgres sh -c "
        "'rm -rf /tmp/fd; pg_dump -Fd -j2 -f /tmp/fd -U schedgen schedgen; rm -rf /tmp/fd'"
    ),
    "pg_dump -Fd -j2 -Z1": (
        "docker compose exec -T postgres sh -c "
        "'rm -rf /tmp/fd; pg_dump -Fd -j2 -Z1 -f /tmp/fd -U schedgen schedgen; rm -rf /tmp/fd'"
    ),
}


def on_host(box: Box, script: str, **variables: object) -> float:
    """Seconds that a script takes there, as the login user in the project's folder."""
    exports = "".join(f"export {name}={value}; " for name, value in variables.items())
    words = ("--user=deploy", "--workdir=/srv/schedgen", box.host.container)
    begun = time.perf_counter()
    docker.run("exec", *words, "bash", "-eo", "pipefail", "-c", exports + script, timeout=900)
    return time.perf_counter() - begun


def sizes(box: Box) -> str:
    """What there is to back up."""
    query = "SELECT pg_size_pretty(pg_database_size(current_database()))"
    rows = box.sh(f'docker compose exec -T postgres psql -XtA -U schedgen -c "{query}" </dev/null')
    objects = box.sh("docker compose exec -T minio du -sm /data </dev/null").split()[0]
    return f"database {rows}, objects {objects} MB"


@contextmanager
def watched(box: Box) -> Iterator[list[int]]:
    """KiB that the login user's processes hold on the host together, looked at four times a second.

    The first figure is from before: it holds the containers' processes of the same user id, as all do.
    """
    seen: list[int] = []
    script = "while sleep 0.25; do ps -u deploy -o rss= | awk '{ n += $1 } END { print n + 0 }'; done"
    words = ("docker", "exec", "--user=root", box.host.container, "bash", "-c", script)
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, env=docker.environment())

    def read() -> None:
        assert process.stdout is not None
        seen.extend(int(line) for line in process.stdout if line.strip().isdigit())

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    while not seen:
        time.sleep(0.1)
    try:
        yield seen
    finally:
        process.terminate()
        process.wait()
        reader.join(5)
        docker.run("exec", "--user=root", box.host.container, "pkill", "-f", "[s]leep 0.25; do ps -u deploy")


def ours(operator: Operator, box: Box) -> tuple[float, float, float]:
    """Seconds of `inv backup`, and the MiB that it took at most on the host and here."""
    with watched(box) as seen:
        begun = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "invoke", "backup", "--env", "lab"],
            cwd=ROOT,
            env={**os.environ, **operator.variables},
            stdout=subprocess.DEVNULL,
        )
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - begun
    if status:
        sys.exit("inv backup failed")
    return seconds, (max(seen) - seen[0]) / 1024, usage.ru_maxrss / 1024


def main() -> None:
    """Fill, measure, print, put back."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--mib", type=int, default=1024, help="data in all, half of it in the database")
    given = options.parse_args()
    place = find_place(ROOT)
    manager.up(place, 1, Silent())
    box = Box(LabHost(1))
    try:
        with tempfile.TemporaryDirectory() as folder:
            manager.reset(place, 1, Silent())
            measure(Operator(place, Path(folder), (box,)).configure(), box, given.mib)
    finally:
        manager.reset(place, 1, Silent())


def measure(operator: Operator, box: Box, mib: int) -> None:
    """Print how long each takes, and how they compare."""
    _, host_before, here_before = ours(operator, box)
    print(
        f"as the lab is: {sizes(box)}; memory at most {host_before:.0f} MiB there, {here_before:.0f} MiB here"
    )
    on_host(box, _ROWS, ROWS=mib * 1000)
    on_host(box, _OBJECTS, FILES=mib // 2)
    print(f"filled: {sizes(box)}", flush=True)
    script = on_host(box, _SCRIPT)
    print(f"{'script: pg_dump | gzip, then tar | gzip':42}{script:7.1f} s", flush=True)
    seconds, there, here = ours(operator, box)
    print(f"{'inv backup':42}{seconds:7.1f} s   memory at most {there:.0f} MiB there, {here:.0f} MiB here")
    parts = {}
    for title, text in _PARTS.items():
        parts[title] = on_host(box, text)
        print(f"{title:42}{parts[title]:7.1f} s", flush=True)
    slower = max(parts["pg_dump | gzip -1"], parts["docker compose cp | gzip -1"])
    print(f"inv backup to the script: {seconds / script:.2f} (goal {GOAL_SCRIPT})")
    print(f"inv backup to the slower part alone: {seconds / slower:.2f} (goal {GOAL_PARTS})")


if __name__ == "__main__":
    main()
