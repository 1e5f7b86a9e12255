"""The small stack `swarm` on three nodes, and the operator who runs it: what tests of a Swarm share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from box import Box
from deploy_kit import PATIENCE, host_entry, over, wait_for
from stack_kit import Stack, stack

from schedgen_ops.lab.place import Place

DOOR = 3000


@contextmanager
def on_swarm(
    lab: Place, nodes: Sequence[Box], folder: Path, *, shape: str = "swarm", **changes: Any
) -> Iterator[Stack]:
    """A project on the first node, and an operator whose config has all of them.

    Args:
        shape: what it is made of, a folder below stacks/; the project is called after it, or `swarmed`.
        changes: keys of the config that are others.
    """
    with stack("swarmed" if shape == "swarm" else shape, lab, nodes[0], folder, shape=shape) as made:
        file = folder / "config" / "lab.yaml"
        config = over(yaml.safe_load(file.read_text()), changes)
        config["hosts"] = [host_entry(lab, box) for box in nodes]
        file.write_text(yaml.safe_dump(config))
        yield made
        # Where a node had no project there is one now, for its backups.
        nodes[1].sh(f"rm -rf {made.directory}")


def url(box: Box) -> str:
    """What visitors of a node ask."""
    return f"http://{box.address}:{DOOR}/"


def sql(on: Stack, statement: str) -> str:
    """What the database answers, wherever it runs."""
    ran = on.op("exec", "db", "--", "psql", "-qAtU", "shop", "-c", statement)
    assert ran.code == 0, ran.output
    return ran.stdout.strip()


def serves(nodes: Sequence[Box], version: str) -> None:
    """Fails unless every node's port answers as `version`, once it has found what serves."""
    wait_for(
        lambda: all(_answered(box) == version for box in nodes), f"version {version} on all nodes", PATIENCE
    )


def _answered(box: Box) -> str:
    try:
        return box.get("/", port=DOOR)
    except OSError:
        return ""
