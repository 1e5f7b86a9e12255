"""A deploy and a rollback against a plain script of the runbook's eight steps, in turns, on a lab's host.

    python tests/bench/bench_deploy.py --rounds 5

Each round begins twice from the lab's golden state. Ours: v1.2.2 is taken over by `inv deploy`, then
`inv deploy` of v1.2.3 and `inv rollback` are timed as whole processes, from the shell to their end; once more
with `rollout.standby`, where the older release only gets its requests back. Theirs:
`deploy.sh` of v1.2.3, and then of v1.2.2 again, over SSH. The settle time is 0 in the rows that are compared,
since the script has none; with --settling a deploy with the default of 30 seconds is a row of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

from box import ROOT, Box

from schedgen_ops.lab import manager
from schedgen_ops.lab.place import DIRECTORY, LabHost, Place, find_place
from schedgen_ops.lab.progress import Silent

OLD, NEW = "v1.2.2", "v1.2.3"
SCRIPT = Path(__file__).parent / "deploy.sh"
STOOD_BY = "older release answers, standing by"
ON_ITS_WAY = ("backend", "frontend", "pdf-worker")


@dataclass(slots=True)
class Bench:
    """One host, and what was measured on it: seconds (or a share) by what it is."""

    place: Place
    host: Box
    folder: Path
    seen: dict[str, list[float]] = field(default_factory=dict)

    def note(self, name: str, value: float) -> None:
        self.seen.setdefault(name, []).append(value)
        print(f"  {name}: {value:.2f}", flush=True)

    def configure(self, settle: int, standby: int = 0) -> None:
        """config/lab.yaml in a folder of our own, with another settle time, and one for what stands by."""
        config = yaml.safe_load((ROOT / "config" / "lab.yaml").read_text())
        del config["hosts_file"]
        config["ssh"] |= {"identity_file": str(self.place.key), "known_hosts": str(self.place.known_hosts)}
        entry = {"name": self.host.name, "address": self.host.address, "user": "deploy"}
        config |= {"hosts": [entry | {"port": self.place.ssh_port}], "health": {"settle": settle}}
        config["rollout"] = config.get("rollout", {}) | {"standby": standby}
        (self.folder / "lab.yaml").write_text(yaml.safe_dump(config))

    def inv(self, *words: str) -> tuple[float, float]:
        """Seconds of a whole `inv`, and those of them in which a remote command ran."""
        trace = self.folder / "trace"
        trace.unlink(missing_ok=True)
        argv = [sys.executable, str(SCRIPT.with_name("traced_inv.py")), str(trace), *words, "--env", "lab"]
        env = {**os.environ, "SCHEDGEN_CONFIG": str(self.folder), "SCHEDGEN_STATE": str(self.folder)}
        seconds = timed(lambda: run(argv, env=env))
        return seconds, covered(trace.read_text().splitlines())

    def script(self, branch: str) -> float:
        """Seconds of the plain script on the host, over SSH."""
        options = ("-i", str(self.place.key), "-o", f"UserKnownHostsFile={self.place.known_hosts}")
        where = ("-p", str(self.place.ssh_port), f"deploy@{self.host.address}")
        # A file first: programs in a script on stdin would read the rest of it.
        command = f"cd {DIRECTORY} && cat > /tmp/deploy.sh && bash /tmp/deploy.sh {branch} < /dev/null"
        return timed(lambda: run(["ssh", *options, *where, command], stdin=SCRIPT.read_bytes()))

    def reset(self) -> None:
        manager.reset(self.place, 1, Silent())

    def answering(self) -> float:
        """What the last rollback said of when the older release answered every request."""
        newest = max(self.folder.rglob("rollback-*.jsonl"), key=lambda path: path.stat().st_mtime_ns)
        lines = map(json.loads, newest.read_text().splitlines())
        return float(next(line["value"] for line in lines if line.get("name") == "answering"))

    def started(self, since: float) -> float:
        """The longest time that a container started `since` took to be healthy, in seconds."""
        shape = (
            '{{.TimeNano}} {{.Actor.ID}} {{.Action}} {{index .Actor.Attributes "com.docker.compose.service"}}'
        )
        listed = self.host.sh(
            f"docker events --since {since:.0f} --until {time.time():.0f} --format '{shape}' "
            "--filter event=start --filter event=health_status"
        )
        begun: dict[str, int] = {}
        took = [0.0]
        for line in listed.splitlines():
            at, box, action, *rest = line.split()
            if action == "start" and rest and rest[-1] in ON_ITS_WAY:
                begun[box] = int(at)
            elif rest and rest[0] == "healthy" and box in begun:
                took.append((int(at) - begun.pop(box)) / 1e9)
        return max(took)


def timed(action: Callable[[], None]) -> float:
    """Seconds that it took."""
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


def run(argv: Sequence[str], *, env: dict[str, str] | None = None, stdin: bytes | None = None) -> None:
    """Runs a program to its end; what it printed is shown if it failed."""
    done = subprocess.run(argv, cwd=ROOT, env=env, input=stdin, capture_output=True, check=False)
    if done.returncode:
        sys.exit(f"{argv}: exit code {done.returncode}\n{done.stdout.decode()}{done.stderr.decode()}")


def covered(lines: Sequence[str]) -> float:
    """Seconds in which at least one of the commands ran."""
    spans = sorted((float(begun), float(ended)) for begun, ended, *_ in map(str.split, lines))
    total, until = 0.0, 0.0
    for begun, ended in spans:
        total += max(0.0, ended - max(begun, until))
        until = max(until, ended)
    return total


def one_round(bench: Bench, *, settling: bool) -> None:
    bench.reset()
    bench.configure(settle=0)
    bench.inv("deploy", "--branch", OLD)
    seconds, remote = bench.inv("deploy", "--branch", NEW)
    bench.note("inv deploy", seconds)
    bench.note("idle share of it", 1 - remote / seconds)
    since = time.time() - 1
    bench.note("inv rollback", bench.inv("rollback", "--yes")[0])
    bench.note("older release answers", bench.answering())
    bench.note("its start-up to healthy", bench.started(since))
    bench.configure(settle=0, standby=600)
    bench.inv("deploy", "--branch", NEW)
    bench.inv("rollback", "--yes")
    bench.note(STOOD_BY, bench.answering())
    if settling:
        bench.configure(settle=30)
        bench.note("inv deploy, settling", bench.inv("deploy", "--branch", NEW)[0])
    bench.reset()
    bench.note("deploy.sh", bench.script(NEW))
    bench.note("deploy.sh, older tag", bench.script(OLD))


def table(seen: dict[str, list[float]]) -> Iterator[str]:
    """What is published."""
    yield "| | median | least | most |"
    yield "|---|---|---|---|"
    for name, values in seen.items():
        share = "share" in name
        shown = [f"{100 * v:.1f} %" if share else f"{v:.1f} s" for v in _three(values)]
        yield f"| {name} | {' | '.join(shown)} |"
    middle = {name: statistics.median(values) for name, values in seen.items()}
    deploy, script = middle["inv deploy"], middle["deploy.sh"]
    yield ""
    yield f"deploy: {deploy / script:.2f} of the script (goal 0.6)"
    if "inv deploy, settling" in middle:
        yield f"deploy, settling for 30 s: {middle['inv deploy, settling'] / script:.2f} of the script"
    yield f"rollback: {middle['inv rollback'] / middle['deploy.sh, older tag']:.2f} of the script (goal 0.15)"
    late = [
        a - b for a, b in zip(seen["older release answers"], seen["its start-up to healthy"], strict=True)
    ]
    yield f"older release answers: {max(late):.1f} s after its start-up at most (goal 3 s)"
    back = middle[STOOD_BY]
    yield (
        f"older release answers, standing by: {back:.2f} s (goal 1 s), "
        f"{back / middle['deploy.sh, older tag']:.3f} of the script (goal 0.05)"
    )


def _three(values: Sequence[float]) -> tuple[float, float, float]:
    return statistics.median(values), min(values), max(values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--settling", action="store_true", help="time deploys that settle for 30 s, too")
    options = parser.parse_args()
    rounds = options.rounds
    place = find_place(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(place, Box(LabHost(1)), Path(folder))
        for number in range(1, rounds + 1):
            print(f"round {number} of {rounds}, load {os.getloadavg()[0]:.1f}", flush=True)
            one_round(bench, settling=options.settling)
        bench.reset()
        print("\n".join(table(bench.seen)))


if __name__ == "__main__":
    main()
