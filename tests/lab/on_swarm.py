"""What tests of a Swarm share: the small project that runs there, and its operator."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from box import Box
from deploy_kit import host_entry
from stack_kit import Stack, stack

from schedgen_ops.lab.place import Place

DOOR = 3000


@contextmanager
def swarmed(lab: Place, swarm: tuple[Box, ...], folder: Path) -> Iterator[Stack]:
    """The project `swarm` on the first node, and an operator whose config has all of them."""
    with stack("swarmed", lab, swarm[0], folder, shape="swarm") as made:
        file = folder / "config" / "lab.yaml"
        config = yaml.safe_load(file.read_text())
        config["hosts"] = [host_entry(lab, box) for box in swarm]
        file.write_text(yaml.safe_dump(config))
        yield made
        # Where a node had no project there is one now, for its backups.
        swarm[1].sh(f"rm -rf {made.directory}")


def url(box: Box) -> str:
    """What visitors of a node ask."""
    return f"http://{box.address}:{DOOR}/"
