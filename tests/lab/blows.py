"""What strikes a run, and where: at the very command of the host's that a test names."""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import deploy_kit as kit
from box import Box
from deploy_kit import Running

from schedgen_ops.lab import docker
from schedgen_ops.lab import hosts as lab_hosts

# Stands before the host's own docker, and waits before the first command that the pattern describes.
_GATE = r"""
mkdir -p -m 777 /run/gate
# A gate that was here leads to the host's own docker, which is none to write to.
rm -f /usr/local/bin/docker
cat > /usr/local/bin/docker <<'END'
#!/bin/bash
if [ -e /run/gate/pattern ] && [[ $* =~ $(< /run/gate/pattern) ]] && mkdir /run/gate/reached 2>/dev/null; then
  until [ -e /run/gate/open ]; do sleep 0.05; done
fi
exec /usr/bin/docker "$@"
END
chmod 755 /usr/local/bin/docker
"""
_SHUT = "cd /run/gate; rm -rf reached open pattern; printf %s "
# Waits there for a while: a look from outside takes a tenth of a second of processor time.
_REACHED = """
for ((n = 0; n < 30; n++)); do [ ! -e /run/gate/reached ] || { echo yes; exit; }; sleep 0.1; done
"""
# What still runs there knows where it was.
_NO_GATE = "cd /run/gate; touch open; rm -rf pattern reached; ln -sf /usr/bin/docker /usr/local/bin/docker"

# Whether every blow is struck at every place, as `make soak` does.
ALL = bool(os.environ.get("SCHEDGEN_ALL_BLOWS"))
# Nothing to back up and no migrations: a deploy is the same, and comes sooner to where it is struck.
BARE: dict[str, Any] = {
    "database": None,
    "objects": None,
    "migrations": None,
    "health": {"settle": 2, "deadline": 60},
}

Blow = Callable[[Box, Running], None]


@contextmanager
def gate(host: Box) -> Iterator[None]:
    """A host on which a run can be stopped at a command of its docker, for as long as the block lasts."""
    host.sh(_GATE, user="root")
    try:
        yield
    finally:
        host.sh(_NO_GATE, user="root")


def shut(host: Box, pattern: str) -> None:
    """The next command of docker whose words `pattern` describes waits until the gate is opened."""
    host.sh(f"{_SHUT} {shlex.quote(pattern)} > pattern", user="root")


def struck(host: Box, run: Running, blow: Blow) -> None:
    """Waits until a run stands at the gate, strikes, and lets what is left of it go on.

    Fails the test if the run ends before it comes there.
    """
    end = time.monotonic() + kit.PATIENCE
    while host.sh(_REACHED, user="root") != "yes":
        assert run.process.poll() is None, f"it never came to the gate:\n{run.wait().output}"
        assert time.monotonic() < end, f"waited {kit.PATIENCE:g} s for the run to come to the gate"
    blow(host, run)
    host.sh("rm -f /run/gate/pattern; touch /run/gate/open", user="root")


def killed(host: Box, run: Running) -> None:
    """The operator's process is gone at once."""
    run.signal(signal.SIGKILL)
    run.process.wait(10)


def interrupted(host: Box, run: Running) -> None:
    """Ctrl-C."""
    run.signal(signal.SIGINT)


def cut(host: Box, run: Running) -> None:
    """Every SSH connection of the operator dies."""
    host.sh("pkill -KILL -u deploy sshd || true", user="root")


def engine_restarted(host: Box, run: Running) -> None:
    """The host's engine ends, as its service is restarted; what the run does next finds none."""
    host.sh("kill $(cat /run/docker.pid)", user="root")
    kit.wait_for(lambda: host.sh("/usr/bin/docker version >&2 && echo up || true") == "", "the engine to end")


def rebooted(host: Box, run: Running) -> None:
    """The host goes down and comes up again, with whatever its engine starts by itself."""
    docker.run("restart", "--time", "10", host.host.container, timeout=120)
    engine_answers(host)


def engine_answers(host: Box) -> None:
    """Waits until the host's engine answers."""
    lab_hosts.state(host.host.container, "engine", "90")


BLOWS: tuple[Blow, ...] = (killed, cut, engine_restarted, rebooted)


@dataclass(frozen=True, slots=True)
class Case:
    """Where a run is struck, and how.

    Attributes:
        place: for a reader.
        at: describes the words of the host's docker that the run comes to there.
    """

    place: str
    at: str
    blow: Blow

    def __str__(self) -> str:
        return f"{self.blow.__name__} {self.place}"


def cases(*places: tuple[str, str, Blow | None]) -> tuple[Case, ...]:
    """A blow at each of these places, none where it is None; every blow at each where all are wanted."""
    chosen = BLOWS if ALL else ()
    return tuple(
        Case(place, at, each) for place, at, blow in places for each in chosen or (blow,) if each is not None
    )
