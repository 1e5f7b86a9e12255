"""Six checks on 1, 10, 50 and 100 addresses of one sshd: ours, and what a user would pick instead.

Each is a whole program from its start to its end, in turns, so that load weighs on all: seconds of wall time,
and of the client's own processor time. The peers but `ssh` are in a virtual environment of their own, which
`--peers` names; the first run makes it. Ends with 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import getpass
import os
import shlex
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tests/lab"))

CHECKS = (
    "nproc",
    "cat /proc/loadavg",
    "cat /proc/uptime",
    "df -Pk /",
    "id -un",
    "head -n 3 /proc/meminfo",
)
SCRIPT = "; ".join(CHECKS)
PEERS = ("asyncssh==2.24.1", "pyinfra==3.10.0", "ansible-core==2.19.14", "fabric==3.2.3")
COUNTS = (1, 10, 50, 100)
MANY = ("MaxStartups 500", "MaxSessions 500")

# Programs of the peers; each is given the port, the user, the key, the known hosts and the addresses.
OURS = """
import sys
from schedgen_ops.fleet import Fleet
from schedgen_ops.host import connect_all
from schedgen_ops.settings import Settings
from schedgen_ops.shell import sh
port, user, key, known, *addresses = sys.argv[1:]
hosts = [{"name": f"h{n}", "address": a, "port": int(port), "user": user} for n, a in enumerate(addresses)]
ssh = {"config_file": None, "identity_file": key, "known_hosts": known, "agent": False}
settings = Settings.model_validate({"project": "p", "directory": "/srv/p", "hosts": hosts, "ssh": ssh})
checks = [sh(*words.split()) for words in CHECKS]
with Fleet(connect_all(settings, settings.hosts, prompt=None)) as fleet:
    found = fleet.each(lambda remote: remote.batch(checks, deadline=60)).values()
    assert all(answer.ok for host in found for answer in host)
"""
FABRIC = """
import sys
from fabric import Config, ThreadingGroup
from paramiko import RejectPolicy
port, user, key, known, *addresses = sys.argv[1:]
config = Config(overrides={"load_ssh_configs": False})
keys = {"key_filename": key}
group = ThreadingGroup(*addresses, user=user, port=int(port), config=config, connect_kwargs=keys)
for each in group:
    each.client.load_host_keys(known)
    each.client.set_missing_host_key_policy(RejectPolicy())
found = group.run(SCRIPT, hide=True)
assert len(found) == len(addresses)
"""
ASYNCSSH = """
import asyncio, sys, asyncssh
port, user, key, known, *addresses = sys.argv[1:]
async def one(address):
    async with asyncssh.connect(
        address, int(port), username=user, client_keys=[key], known_hosts=known, config=None, agent_path=None
    ) as connection:
        await connection.run(SCRIPT, check=True)
async def main():
    await asyncio.gather(*map(one, addresses))
asyncio.run(main())
"""


@dataclass(frozen=True, slots=True)
class Place:
    """A server that many addresses lead to, and what a client needs for it."""

    port: int
    user: str
    key: str
    known: str
    folder: Path
    peers: Path

    def argv(self, peer: str, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """Return the words of a peer's whole program."""
        given = (str(self.port), self.user, self.key, self.known, *addresses)
        python = str(self.peers / "bin/python")
        text = f"CHECKS = {CHECKS!r}\nSCRIPT = {SCRIPT!r}\n"
        options = (
            "-F",
            "none",
            "-i",
            self.key,
            "-o",
            f"UserKnownHostsFile={self.known}",
            "-o",
            "BatchMode=yes",
        )
        ssh = ("ssh", *options, "-p", str(self.port))
        match peer:
            case "ours":
                return (sys.executable, "-c", text + OURS, *given)
            case "ssh":
                line = shlex.join((*ssh, "-l", self.user, "{}", SCRIPT))
                listed = shlex.join(("printf", "%s\\n", *addresses))
                return ("sh", "-c", f"{listed} | xargs -P {len(addresses)} -I{{}} {line}")
            case "Fabric group":
                return (python, "-c", text + FABRIC, *given)
            case "asyncssh":
                return (python, "-c", text + ASYNCSSH, *given)
            case "pyinfra":
                data = {"ssh_port": self.port, "ssh_user": self.user, "ssh_key": self.key}
                data |= {"ssh_known_hosts_file": self.known, "ssh_strict_host_key_checking": "yes"}
                (self.folder / "inventory.py").write_text(f"hosts = ({list(addresses)!r}, {data!r})\n")
                program = str(self.peers / "bin/pyinfra")
                return (program, "-y", str(self.folder / "inventory.py"), "exec", "--", SCRIPT)
            case "Ansible":
                lines = "".join(f"{address}\n" for address in addresses)
                told = f"ansible_port={self.port}\nansible_user={self.user}\n"
                told += f"ansible_ssh_private_key_file={self.key}\n"
                told += f"ansible_ssh_common_args='-F none -o UserKnownHostsFile={self.known}'\n"
                (self.folder / "hosts.ini").write_text(f"{lines}[all:vars]\n{told}")
                program = str(self.peers / "bin/ansible")
                inventory = str(self.folder / "hosts.ini")
                many = str(len(addresses))
                return (program, "all", "-i", inventory, "-f", many, "-m", "raw", "-a", SCRIPT)
        raise ValueError(peer)


NAMES = ("ours", "ssh", "Fabric group", "asyncssh", "pyinfra", "Ansible")
# Of ours to another's: for so many hosts, in wall time or processor time, at most so much.
GOALS = (
    (1, "ssh", "wall", 1.2),
    (50, "Fabric group", "wall", 1.0),
    (50, "Fabric group", "processor", 1.0),
    (50, "asyncssh", "processor", 1.0),
)


def measured(argv: tuple[str, ...], env: Mapping[str, str]) -> tuple[float, float]:
    """Return the seconds of a program: of wall time, and of its and its children's processor time."""
    began = time.perf_counter()
    with subprocess.Popen(
        argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=dict(env)
    ) as process:
        assert process.stdout is not None
        said = process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    took = time.perf_counter() - began
    if process.returncode:
        sys.exit(f"{argv[0]}: exit code {process.returncode}\n{said.decode()[-2000:]}")
    return took, used.ru_utime + used.ru_stime


def made(peers: Path) -> None:
    """Make the peers' environment, unless it is there."""
    if not (peers / "bin/ansible").exists():
        subprocess.run([sys.executable, "-m", "venv", str(peers)], check=True)
        subprocess.run([str(peers / "bin/pip"), "install", "--quiet", *PEERS], check=True)


def main() -> None:
    """Print what each took, beside ours; end with 1 where a goal is missed."""
    from sshd import sshd

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--peers", type=Path, default=ROOT / ".venv-peers")
    parser.add_argument("--counts", type=int, nargs="+", default=COUNTS)
    given = parser.parse_args()
    made(given.peers)
    found: dict[tuple[int, str], list[tuple[float, float]]] = {}
    with tempfile.TemporaryDirectory() as name, sshd(Path(name) / "sshd", *MANY, listen="0.0.0.0") as server:
        key = server.known_hosts.read_text().split()[1:]
        addresses = tuple(f"127.0.0.{number}" for number in range(1, max(given.counts) + 1))
        known = Path(name) / "known"
        known.write_text("".join(f"[{each}]:{server.port} {' '.join(key)}\n" for each in addresses))
        place = Place(server.port, getpass.getuser(), str(server.key), str(known), Path(name), given.peers)
        env = {"PATH": os.environ["PATH"], "HOME": name, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"}
        for count in given.counts:
            for _ in range(given.rounds):
                for peer in NAMES:
                    took = measured(place.argv(peer, addresses[:count]), env)
                    found.setdefault((count, peer), []).append(took)
            _print(count, found)
    sys.exit(_missed(found))


Found = Mapping[tuple[int, str], list[tuple[float, float]]]


def _median(found: Found, count: int, peer: str, which: str) -> float:
    return statistics.median(each[which == "processor"] for each in found[count, peer])


def _print(count: int, found: Found) -> None:
    print(f"{count} host{'s' * (count > 1)}, six checks:")
    for peer in NAMES:
        wall, used = (_median(found, count, peer, which) for which in ("wall", "processor"))
        ours = tuple(_median(found, count, "ours", which) for which in ("wall", "processor"))
        beside = "" if peer == "ours" else f"   ours {ours[0] / wall:.2f} and {ours[1] / used:.2f} of that"
        print(f"  {peer:12} {wall:6.2f} s, {used:6.2f} s of processor time{beside}", flush=True)


def _missed(found: Found) -> bool:
    missed = False
    for count, peer, which, most in GOALS:
        if (count, peer) not in found:
            continue
        ratio = _median(found, count, "ours", which) / _median(found, count, peer, which)
        missed |= ratio > most
        print(f"{count} hosts, {which} time, ours to {peer}: {ratio:.2f} (goal {most})")
    return missed


if __name__ == "__main__":
    main()
