"""How the simulated world answers to roll-outs: containers beside containers, the ingress, the prober."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from fakes import result
from simulated_answers import Handler, ScriptHandler, Values, changing, discard
from simulated_world import OLD, PORTS, STATE, Box, World, mounted, written

from schedgen_ops.remote import Result


def made(world: World, service: str, words: Sequence[str]) -> Box:
    """A new container of a service, as the compose file among `words` has it."""
    folder = next(word for word in words if word.endswith("/compose.yaml")).removesuffix("/compose.yaml")
    own, commit = world.overlays[folder][service], world.resolved[folder]
    tree = own["tree"]
    return Box(
        service,
        world.images[own["image"]],
        written(service, commit),
        own["release"],
        own["definition"],
        "unhealthy" if service in world.sick and commit != OLD else "healthy",
        mounted(service, world.trees[tree] if tree else world.head),
        service in PORTS and not own["behind"],
        own["jobs"],
        tree=tree,
    )


def _up(world: World, values: Values, stdin: str) -> Result:
    service = values["service"]
    world.changed.append(f"up {service}")
    box = world.boxes[service] = made(world, service, values["compose"])
    if box.health == "unhealthy":
        return result(stderr="container schedgen-1 is unhealthy", code=1)
    return result(seconds=2.0)


def _start_beside(world: World, values: Values, stdin: str) -> Result:
    service = values["service"]
    world.changed.append(f"up {service}")
    box = made(world, service, values["compose"])
    if service in world.early:
        box = replace(box, health="starting")
    if box.health == "unhealthy":
        said = f"say {service} | starting\nsay {service} | Error: no database\n"
        return result(said, stderr="is unhealthy", code=1)
    if values["proxies"] and not world.ingress:
        return result(stderr="is not seen by the ingress", code=1)
    old = world.boxes.get(service)
    world.standby |= {service: (old, *world.standby.get(service, ()))} if old else {}
    world.boxes[service] = box
    return result(seconds=2.0)


def _job(world: World, values: Values, stdin: str) -> Result:
    service, release = values["service"], values["release"]
    before = world.boxes.get(service)
    if before and before.release == release:
        return result()
    world.changed.append(f"run {service}")
    world.ran = (*world.ran, release)
    world.boxes.pop(service, None)
    if world.bad:
        return result(f"say {service} | Error: no table\n", stderr="ended with exit code 3", code=1)
    world.boxes[service] = replace(made(world, service, values["compose"]), ended=True)
    return result(seconds=2.0)


def _retire(world: World, values: Values, stdin: str) -> Result:
    service, release, back = values["service"], values["release"], values["back"]
    boxes = [world.boxes[service], *world.standby.get(service, ())] if service in world.boxes else []
    its = [box for box in boxes if box.release == release]
    others = [box for box in boxes if box.release != release]
    stay, go = (others, its) if back else (its[:1], [*its[1:], *others])
    if not go:
        return result()
    if not stay or any(box.health != "healthy" for box in stay):
        return result(code=10)
    world.changed.append(f"{'back' if back else 'end'} {service}")
    world.cut.pop(service, None)
    world.boxes[service] = stay[0]
    world.standby.pop(service, None)
    world.standby |= {service: tuple(stay[1:])} if stay[1:] else {}
    return result()


def _cut_off(world: World, values: Values, stdin: str) -> Result:
    service, release = values["service"], values["release"]
    boxes = [world.boxes[service], *world.standby.get(service, ())] if service in world.boxes else []
    if not any(box.release == release and box.health == "healthy" for box in boxes):
        return result(code=10)
    world.changed.append(f"cut off {service}")
    world.cut |= {service: release}
    return result()


def _join(world: World, values: Values, stdin: str) -> Result:
    for service in values["services"]:
        if world.cut.pop(service, None):
            world.changed.append(f"join {service}")
    return result()


def _stand_by(world: World, values: Values, stdin: str) -> Result:
    service = values["service"]
    if service not in world.cut:
        return result(stderr="not out of reach", code=1)
    world.changed.append(f"stand by {service}")
    world.cut.pop(service)
    world.aside[service] = world.standby.pop(service, ())
    return result()


def _begin_standby(world: World, values: Values, stdin: str) -> Result:
    world.stands = f"{values['release']} {values['newer']} 9999999999"
    return result()


def _end_standby(world: World, values: Values, stdin: str) -> Result:
    if world.aside:
        world.changed.append("end the standby")
    world.aside.clear()
    world.stands = ""
    return result()


def _look_at_standby(world: World, values: Values, stdin: str) -> Result:
    return result(f"{world.stands} {' '.join(world.aside)}" if world.stands else "")


def _serve_again(world: World, values: Values, stdin: str) -> Result:
    if "stood by" in world.sick:
        return result(stderr="the ingress does not see what stood by of backend", code=1)
    for service, boxes in world.aside.items():
        world.changed.append(f"move {service}")
        world.standby[service] = (world.boxes[service], *world.standby.get(service, ()))
        world.boxes[service] = boxes[0]
    moved = "".join(f"moved {service}\n" for service in world.aside)
    world.aside.clear()
    world.stands = ""
    return result(moved)


def _remove(world: World, values: Values, stdin: str) -> Result:
    service, release = values["service"], values["release"]
    boxes = [world.boxes[service], *world.standby.get(service, ())] if service in world.boxes else []
    world.changed.append(f"remove {service}")
    rest = [box for box in boxes if box.release != release]
    world.boxes.pop(service, None)
    world.standby.pop(service, None)
    if rest:
        world.boxes[service] = rest[0]
        world.standby |= {service: tuple(rest[1:])} if rest[1:] else {}
    return result()


def _promote(world: World, values: Values, stdin: str) -> Result:
    world.changed.append("serve")
    if stdin:
        world.files[f"{values['folder']}/release.json"] = stdin
    world.files[f"{STATE}/current"] = f"{values['release']}\n"
    return result()


def _ingress(world: World, values: Values, stdin: str) -> Result:
    config = world.files[values["config"]]
    names = [pair.partition("=")[0] for pair in values["pairs"]]
    if world.ingress:
        if world.ingress != config:
            world.changed.append("ingress")
        world.ingress = config
        return result()
    world.changed.append("adopt " + " ".join(names))
    if world.stuck:
        return result(stderr="it does not reach the services", code=1)
    gap = any(name in world.boxes for name in names)
    for name in names:
        world.boxes[name] = made(world, name, values["compose"])
    world.ingress = config
    return result("gap 850000\nchanged\n" if gap else "")


def _sweep(world: World, words: Sequence[str], stdin: str) -> Result:
    if world.parts:
        world.changed.append("sweep")
    world.parts = ()
    return result()


def _probe(world: World, words: Sequence[str], stdin: str) -> Result:
    return result(f"probing\n{world.probed}")


def _cat(world: World, words: Sequence[str], stdin: str) -> Result:
    path = words[-1]
    return result(world.files[path]) if path in world.files else result(stderr="no such file", code=1)


def _copy(world: World, values: Values, stdin: str) -> Result:
    source, target = values["source"], values["target"]
    config = f"{source}/{values['config']}"
    if source not in world.resolved or config not in world.files:
        return result(stderr=f"no such file in {source}", code=1)
    world.changed.append("copy the definition")
    world.resolved[target] = world.resolved[source]
    world.files[f"{target}/{values['config']}"] = world.files[config]
    world.files[f"{target}/owner.yaml"] = world.files[f"{source}/owner.yaml"]
    return result()


def _make_tree(world: World, values: Values, stdin: str) -> Result:
    tree = f"{values['release']}/tree"
    if tree not in world.trees:
        world.changed.append("copy mounted files")
        world.trees[tree] = world.head
    return result()


def _remove_trees(world: World, values: Values, stdin: str) -> Result:
    aside = (box for boxes in world.aside.values() for box in boxes)
    used = {box.tree for box in (*world.containers, *aside)}
    for tree in {*world.trees} - used:
        release = tree.split("/")[-2]
        if release not in values["keep"] and release in (values["releases"] or [release]):
            world.changed.append("remove mounted files")
            del world.trees[tree]
    return result()


def _pull(world: World, words: Sequence[str], stdin: str) -> None:
    world.images[words[-1]] = f"sha256:{words[-1]}"


def _started(world: World, values: Values, stdin: str) -> Result:
    """What was starting is well, or it is not."""
    for name, box in world.boxes.items():
        if box.health == "starting":
            world.boxes[name] = replace(box, health="unhealthy" if name in world.sick else "healthy")
    bad = any(box.health == "unhealthy" for box in world.boxes.values())
    return result(stderr="is unhealthy", code=1) if bad else result()


def _down(world: World, words: Sequence[str], stdin: str) -> None:
    """All of the project goes, the ingress too."""
    world.boxes.clear()
    world.standby.clear()
    world.ingress = ""


def _rm(world: World, words: Sequence[str], stdin: str) -> None:
    for service in words[words.index("--force") + 1 :]:
        world.boxes.pop(service, None)
        world.ingress = "" if service == "schedgen-ingress" else world.ingress


TITLES: dict[str, Handler] = {
    "docker compose down": changing(_down),
    "docker compose rm": changing(_rm),
    "start what was stopped": lambda world, words, stdin: result(
        "".join(f"cut {each}\n" for each in world.cut)
    ),
    "probe": _probe,
    "sweep unfinished backups": _sweep,
}
SCRIPTS: dict[str, ScriptHandler] = {
    "compose/up": _up,
    "own_files/make": _make_tree,
    "own_files/remove": _remove_trees,
    "own_files/written": lambda world, values, stdin: result(),
    "release/copy": _copy,
    "rollout/cut_off": _cut_off,
    "rollout/ingress": _ingress,
    "rollout/job": _job,
    "rollout/join": _join,
    "rollout/promote": _promote,
    "rollout/remove": _remove,
    "rollout/retire": _retire,
    "rollout/start_beside": _start_beside,
    "rollout/stand_by": _stand_by,
    "standby/back": _serve_again,
    "standby/begin": _begin_standby,
    "standby/end": _end_standby,
    "standby/look": _look_at_standby,
    "rollout/wait": lambda world, values, stdin: result(),
    "rollout/wait_healthy": _started,
}
LINES: dict[str, Handler] = {
    "docker pull": changing(_pull),
    "rm -rf --": changing(discard),
    "cat --": _cat,
}
