"""How the simulated world answers to doctor, which looks at a host after a run that failed on it."""

from __future__ import annotations

import json

from fakes import result
from kit import recorded
from simulated_answers import Handler, ScriptHandler, says
from simulated_world import MIGRATIONS, SCHEMA, Words, World, image_id

from schedgen_ops.remote import Result

_WELL = json.loads(recorded("doctor-well.json"))


def _migrations(number: int) -> tuple[str, ...]:
    """The names of the first so many migrations; those that were always there are one."""
    return ("1-Base", *(name for at, name in MIGRATIONS.items() if at <= number))


def _psql(world: World, words: Words, stdin: str) -> Result:
    applied = "\n".join(_migrations(world.schema))
    return result(f"4\t60\nTime: 2.2 ms\nTime: 2.6 ms\n{applied}\nTime: 0.2 ms")


def _shown(world: World, words: Words, stdin: str) -> Result:
    """What the backend that runs knows of."""
    image = world.boxes["backend"].image
    known = next(SCHEMA[commit] for commit in SCHEMA if image_id("backend", commit) == image)
    return result("".join(f"[X] 1 {name}\n" for name in _migrations(known)))


def _details(world: World, values: object, stdin: str) -> Result:
    about = {"error": "", "memory": 0, "ports": {}, "needs": "", "said": ""}
    boxes = (f"box {json.loads(box.line)['id']} {json.dumps(about)}" for box in world.containers)
    return result("\n".join(("now 1736942400", *boxes)))


SCRIPTS: dict[str, ScriptHandler] = {
    "doctor/rooms": lambda world, values, stdin: result(_WELL["rooms"]["stdout"]),
    "doctor/services": _details,
}
TITLES: dict[str, Handler] = {
    "docker compose config --quiet": says(""),
    "psql": _psql,
    "backend: npm": _shown,
}
LINES: dict[str, Handler] = {
    "docker stats": says(""),
    # Whether a folder can be written to, and whose it is if not.
    "{ bash -o pipefail -c path=": says(""),
}
