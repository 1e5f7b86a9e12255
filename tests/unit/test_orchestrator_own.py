"""Another orchestrator, made by following the recipe: a whole plan is rendered by it, and by nothing else."""

from __future__ import annotations

import re
from typing import Any

import pytest
from kit import settings
from planning import ORDER, release, running

from schedgen_ops import orchestrators
from schedgen_ops.orchestrators.contract import Orchestrator
from schedgen_ops.rollout import planner
from schedgen_ops.rollout.operations import Keep, Operation, Plan
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.work_tree import CheckOut, GoBack
from schedgen_ops.shell import Command, sh

OLD, NEW = release("r1"), release("r2", without=["worker"])


class Swarm:
    """What says its name and what it was asked for; it is given what the contract says, by name or place."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def asked(*given: object, **named: object) -> Command:
            return sh("swarm", name, *(each for each in given if isinstance(each, str)))

        return asked


def operations(*plans: Plan) -> list[Operation]:
    return [operation for plan in plans for group in plan for operation in group]


def test_every_operation_that_touches_services_is_asked_of_the_orchestrator() -> None:
    commands = OperationRenderer(Swarm(), settings())
    boxes = running(OLD)
    plans = (
        planner.forward(ORDER, NEW, OLD, boxes),
        planner.ingress(NEW, OLD, boxes),
        planner.named(NEW, OLD, ORDER),
        planner.settled(NEW, OLD, ORDER),
        planner.unattended(release("r3"), NEW, ORDER, GoBack("a" * 40, "main")),
    )
    found = [each for each in operations(*plans) if not isinstance(each, Keep | CheckOut | GoBack)]
    texts = [str(commands(operation)) for operation in found]
    asked = set(re.findall(r"swarm (\w+)", "\n".join(texts)))
    assert asked >= {"up", "start_beside", "retire", "remove", "promote", "ingress", "untag"}
    assert not [text for text in texts if "docker" in text]


def test_one_line_of_the_registry_chooses_it(monkeypatch: pytest.MonkeyPatch) -> None:
    made: Orchestrator = Swarm()
    monkeypatch.setattr(orchestrators, "ORCHESTRATORS", {"compose": lambda *_, **__: made})
    assert orchestrators.chosen(settings()) is made
