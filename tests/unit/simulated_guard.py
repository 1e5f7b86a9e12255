"""How the simulated world answers to the guard: a watchdog that keeps the release, or goes back."""

from __future__ import annotations

import json

from fakes import result
from simulated_answers import ScriptHandler, Values
from simulated_rollout import made
from simulated_world import OLD, STATE, World

from schedgen_ops.remote import Result
from schedgen_ops.watch.release_sample import ReleaseSample, line

REASON = "Error rate (12.50%) exceeded threshold (10.00%)"
_GOOD = line(ReleaseSample(at=10.0, failed=0, requests=100, errors=0))
_BAD = line(ReleaseSample(at=20.0, failed=0, requests=240, errors=30))
LOGS = {
    "kept": f"ready\nstage 100 600\nsample {_GOOD}\nend kept 0 kept after 1 samples\n",
    "agreed": f"ready\nstage 100 600\nsample {_GOOD}\ngood\nend kept 0 kept after 1 samples\n",
    "left": f"ready\nstage 100 300\nsample {_GOOD}\ngood\nend left 0 good after 1 samples\n",
    "back": f"ready\nstage 100 600\nsample {_GOOD}\nsample {_BAD}\n"
    f"bad 2 requests {REASON}\t30 of 240 requests\nanswering 0.50\nend back 2.50 {REASON}\n",
}


def finish(world: World, verdict: str) -> None:
    """What a watchdog does at its end, with nobody's help."""
    kept, taken_back, _ = world.watchdog
    text = (taken_back if verdict == "back" else kept).replace("@finished@", "2025-01-15T12:10:00Z")
    text = text.replace("@reason@", REASON)
    record = json.loads(text)
    world.files[f"{STATE}/releases/{record['id']}/release.json"] = text
    if verdict != "back":
        world.files[f"{STATE}/current"] = record["id"] + "\n"
    else:
        for name in [name for name in world.images if name.endswith(f":{record['id']}")]:
            del world.images[name]
        old = world.files.get(f"{STATE}/releases/{record['previous']}/release.json")
        world.head, world.branch = (json.loads(old)["commit"], "") if old else (OLD, "main")
        if record["previous"].endswith("-adopted"):
            world.branch = "main"
        folder = f"{STATE}/releases/{record['previous']}"
        for service, box in list(world.boxes.items()):
            if service in world.standby:
                world.boxes[service] = world.standby[service][0]
            elif box.release == record["id"]:
                world.boxes[service] = made(world, service, (f"{folder}/compose.yaml",))
    world.standby.clear()
    world.watchdog = ()


def _start(world: World, values: Values, stdin: str) -> Result:
    world.changed.append("guard")
    world.watchdog, world.canary = values["records"], values["alone"] == "canary"
    return result()


def _follow(world: World, values: Values, stdin: str) -> Result:
    if not world.watchdog:
        return result()
    if world.canary and world.verdict != "back":
        # It decides nothing where no other host has the release.
        world.watchdog = ()
        return result(LOGS["left"])
    finish(world, world.verdict)
    return result(LOGS[world.verdict])


def _signal(world: World, values: Values, stdin: str) -> Result:
    if world.watchdog and values["signal"].startswith("back "):
        finish(world, "back")
    return result()


def _status(world: World, values: Values, stdin: str) -> Result:
    if not world.watchdog:
        return result()
    return result("alive\n{}\n" + LOGS["kept"].rpartition("end ")[0])


SCRIPTS: dict[str, ScriptHandler] = {
    "watch/start": _start,
    "watch/follow": _follow,
    "watch/signal": _signal,
    "watch/await_end": lambda world, values, stdin: result(),
    "watch/status": _status,
    "watch/detached_look": lambda world, values, stdin: result(),
}
