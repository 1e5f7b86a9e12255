"""What a deploy on a Swarm looks at on its manager, and how it is judged. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterator

from schedgen_ops.commands import swarm as commands
from schedgen_ops.preflight.probe import Judge, Problem, reason
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings

# What a Swarm gives containers of its own.
_TASK = "com.docker.swarm.task.id"


def swarm(settings: Settings) -> Judge:
    """Find what keeps a manager from deploying, and nodes that are lost."""

    def look(result: Result) -> Iterator[Problem]:
        first = settings.hosts[0].name
        if not result.ok:
            text = f"{first} is no manager of a Swarm, or has no quorum: {reason(result)}"
            yield Problem(
                text, "`docker swarm init` there makes one; the first host of the config is a manager."
            )
            return
        seen = commands.parse(result.stdout, settings.project)
        for node in seen.nodes:
            if not node.good:
                text = f"the node {node.name} is {node.manager.lower() or node.status.lower()}"
                yield Problem(text, "Nothing is placed there until it is back.", refuses=False)
            elif node.availability != "Active":
                text = f"the node {node.name} is {node.availability.lower()}: it has no work, and no port"
                yield Problem(text, f"`inv hosts.undrain {node.name}` gives it work again.", refuses=False)
        managers = [node for node in seen.nodes if node.manager]
        if len(managers) == 2:
            text = "there are two managers: when one is lost, nobody can change anything"
            yield Problem(text, "Have one, three or five.", refuses=False)
        for one in seen.services:
            if one.update not in ("", "completed"):
                yield Problem(
                    f"service {one.service}: {one.text}", "This deploy brings it on.", refuses=False
                )

    return look


def no_compose(settings: Settings, *, may_run: bool = False) -> Judge:
    """Find containers of the project that Compose runs: their ports and data are theirs.

    Args:
        may_run: whether that is no problem, since the run looks after them.
    """

    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(
                f"whether Compose runs the project here is not known: {reason(result)}", unknown=True
            )
            return
        listed = [json.loads(line) for line in result.stdout.split("\n") if line]
        boxes = [item for item in listed if _TASK not in (item["labels"] or {})]
        if boxes and not may_run:
            names = ", ".join(sorted(item["name"].removeprefix("/") for item in boxes)[:5])
            yield Problem(
                f"Compose runs containers of {settings.project} here: {names}",
                "`inv swarm.plan` tells what moving them to the Swarm takes, `inv swarm.move` does it; "
                "`inv deploy.recover` puts right what a move left that was interrupted.",
            )

    return look
