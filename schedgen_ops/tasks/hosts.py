"""inv hosts: what a host has to be before anything is deployed on it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from schedgen_ops.tasks.common import operation

if TYPE_CHECKING:
    from schedgen_ops.task_run import Operation


@operation(swarm="nodes")
def check(op: Operation) -> None:
    """Tell of every host whether it can be deployed to: Docker, clone, credentials, clock, tools."""
    from schedgen_ops.cli import hosts as cli

    cli.check(op)


@operation(
    swarm="nodes",
    help={
        "fingerprint": "The SHA256:... that a host has to show, several by commas: nobody is asked (for CI).",
        "replace": "Take another key for a host that has one already; asks all the same.",
    },
)
def trust(op: Operation, fingerprint: str = "", replace: bool = False) -> None:
    """Show the keys of hosts, ask, and pin them in known_hosts; a key that changed is never just replaced."""
    from schedgen_ops.cli import hosts_trust as cli

    cli.trust(op, fingerprint, replace=replace)


_NODE = "The node, as the config or the Swarm calls it."


@operation(swarm="manager", asks=True, locks=True, help={"node": _NODE})
def drain(op: Operation, node: str) -> None:
    """Take work away from a node of a Swarm: replacements start elsewhere first."""
    from schedgen_ops.cli import draining as cli

    cli.drain(op, node)


@operation(swarm="manager", asks=True, locks=True, help={"node": _NODE})
def undrain(op: Operation, node: str) -> None:
    """Give a node of a Swarm work again."""
    from schedgen_ops.cli import draining as cli

    cli.undrain(op, node)


@operation(
    asks=True,
    help={
        "repository": "Where a host that has no clone of the project gets it from, as `git clone` takes it.",
        "files": "Where releases are images: the folder here with the compose file, which such a host gets.",
        "login": "Who logs in to do it, such as root or ubuntu; the `user` of the config is made if missing.",
    },
)
def setup(op: Operation, repository: str = "", login: str = "", files: str = "") -> None:
    """Set bare hosts up: Docker, Compose, the deploy user, the clone, the env file; shows its plan, asks."""
    from schedgen_ops.cli import hosts_setup as cli

    cli.run(op, repository, login, files)
