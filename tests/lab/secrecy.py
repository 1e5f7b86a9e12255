"""Whether a password stays secret: in no command line of a host, and in no file there or here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from box import Box

from schedgen_ops.lab import docker

# Again and again every command line that has what is sought, which is in none of them itself.
_WATCH = """
cat > /tmp/sought
while [ -e /tmp/sought ]; do
  cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -aFf /tmp/sought
  sleep 0.05
done > /tmp/seen
"""


@contextmanager
def watched(box: Box, *passwords: str) -> Iterator[Callable[[], str]]:
    """The command lines of a host that had a password; a function that is called once the block is over."""
    root = ("exec", "--interactive", "--user=root", box.host.container, "bash", "-c")
    script = f"cat > /tmp/password; ({_WATCH}) < /tmp/password > /dev/null 2>&1 & sleep 0.5; rm /tmp/password"
    docker.run(*root, script, stdin="".join(f"{each}\n" for each in passwords))
    yield lambda: docker.run(*root, "cat /tmp/seen; rm -f /tmp/seen")
    docker.run(*root, "rm -f /tmp/sought")


def left(nodes: Sequence[Box], folder: Path, password: str) -> list[str]:
    """Where the password is: on the nodes, and in what runs wrote here."""
    where = "/home /root /tmp /dev/shm /var/tmp /run /etc /var/lib/docker/swarm"
    looked = f"grep -rlFs -e '{password}' {where} || true; ls -d /dev/shm/schedgen-* || true"
    ours = [path for path in (folder / "state").rglob("*") if path.is_file()]
    return [
        *(f"{box.name} {line}" for box in nodes for line in box.sh(looked, user="root").split()),
        *(str(path) for path in ours if password in path.read_text()),
    ]
