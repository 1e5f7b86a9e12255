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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
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
docker compose exec -T postgres psql -qX -U schedgen -d schedgen \
  -c "VACUUM (ANALYZE)" -c CHECKPOINT </dev/null
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
# Run alone, with the compression that `inv backup` chooses for such data.
_PARTS = {
    "pg_dump | gzip -1": f"{_DUMP} | gzip -1 > backups/part.sql.gz",
    "docker compose cp": f"{_TAR} > backups/part.tar",
    "pg_dump -Fd -j2": (
        "docker compose exec -T postgres sh -c "
        "'rm -rf /tmp/fd; pg_dump -Fd -j2 -f /tmp/fd -U schedgen schedgen; rm -rf /tmp/fd'"
    ),
}
_ZSTD_PART = {"docker compose cp | zstd -1": f"{_TAR} | zstd -q -1 -T0 -c > backups/part.tar.zst"}
_INSTALL = "apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq zstd >/dev/null"
_REMOVE = "apt-get remove -y -qq zstd >/dev/null"
_CPU = """
if [ -r /sys/fs/cgroup/cpu.stat ]; then awk '/usage_usec/ { print $2 * 1000 }' /sys/fs/cgroup/cpu.stat
else cat /sys/fs/cgroup/cpuacct/cpuacct.usage; fi
"""


def as_root(box: Box, script: str) -> str:
    """What a script prints that root runs there."""
    return docker.run("exec", "--user=root", box.host.container, "bash", "-ec", script, timeout=300)


def processor(box: Box) -> float:
    """Seconds of processor time that the host has used so far."""
    return float(as_root(box, _CPU)) / 1e9


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
    """KiB that the login user's processes hold on the host together, looked at once a second.

    The first figure is from before: it holds the containers' processes of the same user id, as all do.
    """
    seen: list[int] = []
    script = "while sleep 1; do ps -u deploy -o rss= | awk '{ n += $1 } END { print n + 0 }'; done"
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
        docker.run("exec", "--user=root", box.host.container, "pkill", "-f", "[s]leep 1; do ps -u deploy")


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
    small = ours(operator, box)
    print(f"as the lab is ({sizes(box)}): at most {small[1]:.0f} MiB there, {small[2]:.0f} MiB here")
    on_host(box, _ROWS, ROWS=mib * 1000)
    on_host(box, _OBJECTS, FILES=mib // 2)
    print(f"filled: {sizes(box)}", flush=True)
    script = told(box, "script: pg_dump | gzip, then tar | gzip", lambda: on_host(box, _SCRIPT))
    compare(operator, box, "inv backup", script, _PARTS)
    as_root(box, _INSTALL)
    try:
        parts = {"pg_dump | gzip -1": _PARTS["pg_dump | gzip -1"], **_ZSTD_PART}
        compare(operator, box, "inv backup, zstd on the host", script, parts)
    finally:
        as_root(box, _REMOVE)


def compare(operator: Operator, box: Box, title: str, script: float, parts: dict[str, str]) -> None:
    """One `inv backup` beside the script and beside each of its parts alone."""
    memory: list[float] = []

    def backup() -> float:
        seconds, *used = ours(operator, box)
        memory.extend(used)
        return seconds

    seconds = told(box, title, backup)
    print(f"  at most {memory[0]:.0f} MiB there, {memory[1]:.0f} MiB here")
    times = {name: told(box, f"  {name}", partial(on_host, box, text)) for name, text in parts.items()}
    slower = max(time for name, time in times.items() if "-Fd" not in name)
    print(f"  to the script: {seconds / script:.2f} (goal {GOAL_SCRIPT})")
    print(f"  to the slower part alone: {seconds / slower:.2f} (goal {GOAL_PARTS})", flush=True)


def told(box: Box, title: str, action: Callable[[], float]) -> float:
    """The seconds of an action, printed with the processor time that the host needed for it."""
    before = processor(box)
    seconds = action()
    print(f"{title:42}{seconds:7.1f} s {processor(box) - before:7.1f} s of processor time", flush=True)
    return seconds


if __name__ == "__main__":
    main()
