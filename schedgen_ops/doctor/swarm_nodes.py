"""What is wrong with the nodes of a Swarm, by a manager's word: lost, out of work, too few managers. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops.commands import swarm
from schedgen_ops.commands.swarm import Node, Seen
from schedgen_ops.doctor.cause import Answers, Diagnosis
from schedgen_ops.text import plural

_LEADERLESS = ("no leader", "does not have a leader", "context deadline exceeded")


def seen(answers: Answers) -> Seen:
    """Return what the manager says.

    Raises:
        ValueError: where it says something else.
    """
    return swarm.parse(answers["swarm"].stdout, answers.settings.project)


def manager(answers: Answers) -> Iterator[Diagnosis]:
    """Find whether anybody can tell the Swarm anything."""
    result = answers["swarm"]
    if result.ok:
        return
    said = tuple(result.stderr.strip().splitlines()[-1:])
    name = answers.host.name
    if any(word in result.stderr for word in _LEADERLESS):
        text = (
            "the Swarm has no leader: too few of its managers reach one another, and nothing can be changed"
        )
        yield Diagnosis(
            "no quorum", text, "start the managers that are down; `inv status` then answers", said
        )
    elif result.code == 124 or not said:
        yield Diagnosis("Swarm", "it could not be asked in time", known=False)
    else:
        fix = "`docker swarm init` or `join` on the first host; `inv hosts.check` looks at the others"
        yield Diagnosis("no manager", f"{name} is no manager of a Swarm", fix, said)


def lost(answers: Answers) -> Iterator[Diagnosis]:
    """Find nodes that are lost, or have no work."""
    found = seen(answers)
    for node in found.nodes:
        if not node.good:
            how = "is down" if node.status == "Down" else f"is {(node.manager or node.status).lower()}"
            text = f"the node {node.name} {how}: nothing runs there as far as anybody knows"
            fix = f"start {node.name} and its engine; `inv status` tells when it is back"
            yield Diagnosis("node lost", text, fix, tuple(_had(found, node)))
        elif node.availability != "Active":
            text = f"the node {node.name} is {_INACTIVE.get(node.availability, node.availability.lower())}"
            yield Diagnosis("node without work", text, f"inv hosts.undrain {node.name}")


_INACTIVE = {"Drain": "drained: it has no container and no port", "Pause": "paused: it gets no new container"}


def _had(found: Seen, node: Node) -> Iterator[str]:
    for each in found.services:
        if count := sum(task.node in (node.name, node.id) for task in each.tasks):
            yield f"{each.service}: {plural(count, 'container')} of it there"


def quorum(answers: Answers) -> Iterator[Diagnosis]:
    """Find that the loss of one more manager would keep everybody from changing anything."""
    managers = [node for node in seen(answers).nodes if node.manager]
    well = [node for node in managers if node.good]
    needed = len(managers) // 2 + 1
    if len(managers) < 2 or len(well) > needed:
        return
    away = [node.name for node in managers if not node.good]
    if away:
        text = (
            f"{len(well)} of {len(managers)} managers are there, and {needed} are needed to change anything"
        )
        fix = (
            f"start {', '.join(away)} again; or `docker node demote` one that stays away, and promote another"
        )
    else:
        text = f"there are {len(managers)} managers: when one is lost, nobody can change anything"
        fix = "have one, three or five: `docker node promote NODE` on the first host"
    yield Diagnosis("quorum at risk", text, fix)
