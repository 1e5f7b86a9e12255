"""How the simulated world answers to restores: databases beside the one that serves, and exchanged."""

from __future__ import annotations

from collections.abc import Sequence

from fakes import CLOCK, result
from simulated_answers import Handler, says
from simulated_world import World

from schedgen_ops.remote import Result

RESTORED, KEPT = "restored", "before"


def _listed(world: World, words: Sequence[str], stdin: str) -> Result:
    held = {path: text for path, text in world.files.items() if path.endswith("/manifest.json")}
    return result("".join(f"{path.split('/')[-2]} {text}\n" for path, text in held.items()))


def _restore(world: World, words: Sequence[str], stdin: str) -> Result:
    world.changed.append("restore beside")
    world.beside = (*world.beside, RESTORED)
    return result("counted\nobjects 3 512\nend\n")


def _swap(world: World, words: Sequence[str], stdin: str) -> Result:
    world.changed.append("swap")
    if RESTORED in world.beside:
        world.data, world.beside = RESTORED, (KEPT,)
    return result("gap 1500000\n")


def _swap_back(world: World, words: Sequence[str], stdin: str) -> Result:
    world.changed.append("swap back")
    if world.data == RESTORED:
        world.data, world.beside = "ours", (RESTORED,)
    return result("gap 1500000\n")


def _discard(world: World, words: Sequence[str], stdin: str) -> Result:
    world.changed.append("discard")
    world.beside = tuple(name for name in world.beside if name != RESTORED)
    return result()


def _unfinished(world: World, words: Sequence[str], stdin: str) -> Result:
    left = RESTORED in world.beside
    world.beside = tuple(name for name in world.beside if name != RESTORED)
    return result(f"removed {RESTORED}\n" if left else "")


TITLES: dict[str, Handler] = {
    "look at the clock": says(CLOCK),
    "look for half-exchanged data": says(""),
    "look at the database server": says('{"version": 150018, "tablespaces": ["pg_default"]}'),
    "end what follows the old": says(""),
    "list backups": _listed,
    "verify the backup": lambda world, words, stdin: result(),
    "count the rows": lambda world, words, stdin: result(),
    "restore beside": _restore,
    "swap back": _swap_back,
    "swap": _swap,
    "discard what a restore": _discard,
    "remove what restores left unfinished": _unfinished,
}
