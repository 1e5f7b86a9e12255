"""What a simulated host does and answers, by the title or the first words of a command."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from fakes import result
from kit import DIRECTORY, recorded
from simulated_world import (
    BUILT,
    COMMITS,
    MIGRATIONS,
    NEEDS,
    PORTS,
    READY,
    RULES,
    SCHEMA,
    SEEN_AT,
    SERVICES,
    STATE,
    Words,
    World,
    image_id,
    written,
)

from schedgen_ops.commands.docker import DEFINITION_LABEL, IMAGE, JOBS_LABEL, RELEASE_LABEL
from schedgen_ops.remote import Result

# Where a host notes that it is out of its load balancer.
OUT = f"{STATE}/out"
Handler = Callable[[World, Words, str], Result]
# What stands for a host script reads its values by their names.
Values = Mapping[str, Any]
ScriptHandler = Callable[[World, Values, str], Result]


def says(text: str) -> Handler:
    return lambda world, words, stdin: result(text)


def changing(act: Callable[[World, Words, str], Result | None]) -> Handler:
    def handler(world: World, words: Words, stdin: str) -> Result:
        world.changed.append(" ".join(words or map(str, words.values.values()))[:80])
        return act(world, words, stdin) or result()

    return handler


def _releases(world: World, words: Words, stdin: str) -> Result:
    records = [text for path, text in world.files.items() if path.endswith("/release.json")]
    return result("\n".join([world.current, "", *records]))


def _lock(world: World, words: Words, stdin: str) -> Result:
    time = f" at={world.time}" if world.time else ""
    return result(f"held {world.held_by}" if world.held_by else f"acquired {world.current}{time}")


def _config(world: World, words: Words, stdin: str) -> Result:
    world.changed.append("docker compose config")
    folder = words.values["release"]
    if stdin:
        world.files[f"{folder}/overlay.json"] = stdin
        services = json.loads(stdin.replace("!reset []", '"reset"'))["services"]
        services.pop("schedgen-ingress", None)
        world.overlays[folder] = {
            name: {
                "image": body["image"],
                "release": body["labels"][RELEASE_LABEL],
                "definition": body["labels"][DEFINITION_LABEL],
                "behind": body.get("ports", ""),
                "jobs": body["labels"].get(JOBS_LABEL, ""),
                "tree": next((each["source"] for each in body.get("volumes", ())), "").removesuffix(
                    f"/{RULES}"
                ),
            }
            for name, body in services.items()
        }
        return result()
    world.resolved[folder] = world.head
    hashes = "".join(f"{name} {written(name, world.head)}\n" for name in SERVICES)
    document = json.dumps(_with_job(_document()) if world.job else _document())
    world.files[f"{folder}/owner.yaml"] = document
    return result(f"{hashes}--\n{document}")


def _spoken(world: World, words: Words, stdin: str) -> Result:
    return result("".join(f"{door} http\n" for door in words.values["doors"]))


def _document() -> Mapping[str, object]:
    services: dict[str, dict[str, object]] = {name: {"image": image} for name, image in READY.items()}
    services |= {name: {"build": {"context": f"{DIRECTORY}/{name}"}} for name in BUILT}
    rules = {"type": "bind", "source": f"{DIRECTORY}/{RULES}", "target": SEEN_AT, "read_only": True}
    services["prometheus"]["volumes"] = [rules]
    for name, port in PORTS.items():
        services[name]["ports"] = [
            {"mode": "ingress", "target": port, "published": str(port), "protocol": "tcp"}
        ]
    for name, needs in NEEDS.items():
        services[name]["depends_on"] = {need: {"condition": "service_healthy"} for need in needs}
    return {"services": services}


def _with_job(document: Any) -> Any:
    """The same with a job that the frontend waits for."""
    document["services"]["init"] = {"build": {"context": f"{DIRECTORY}/init"}}
    ended = {"condition": "service_completed_successfully"}
    document["services"]["frontend"]["depends_on"]["init"] = ended
    return document


def _ls_tree(world: World, words: Words, stdin: str) -> Result:
    commit = words.values["commit"]
    return result(f"100644 blob {commit}\t{RULES}\0place \t.\0")


def _resolve(world: World, words: Words, stdin: str) -> Result:
    return result(COMMITS.get(words.values["ref"], "missing") + "\n")


def _ls_remote(world: World, words: Words, stdin: str) -> Result:
    branch = next(word for word in words if word.startswith("refs/heads/"))
    commit = COMMITS.get(branch.removeprefix("refs/heads/"))
    return result(f"{commit}\t{branch}\n" if commit else "")


def _look(world: World, words: Words, stdin: str) -> Result:
    commit = COMMITS.get(words.values["ref"], "missing")
    document = json.dumps({"services": {name: {} for name in SERVICES}})
    parts = ("1234567 Page count", "M\tbackend/main.js", "", "backend h1", "", "", document)
    return result("\n".join((commit, "\n--\n".join(parts))))


def _checkout(world: World, words: Words, stdin: str) -> Result | None:
    commit, branch = words.values["commit"], words.values.get("branch", "")
    if commit not in COMMITS.values():
        return result(stderr="not a commit", code=1)
    world.head, world.branch = commit, branch
    return None


def _tag(world: World, words: Words, stdin: str) -> Result | None:
    source, name = words[-2:]
    known = {**world.images, **{image: image for image in world.images.values()}}
    if source not in known:
        return result(stderr=f"no such image {source}", code=1)
    world.images[name if ":" in name else f"{name}:latest"] = known[source]
    return None


def _ids(world: World, words: Words, stdin: str) -> Result:
    told, *names = words[words.index("--format") + 1 :]
    known = {**world.images, **{image: image for image in world.images.values()}}
    if any(name not in known for name in names):
        return result(stderr="no such image", code=1)
    if told == IMAGE:
        made = (
            [known[name], [name], dict.fromkeys(world.declared.get(known[name], ())), []] for name in names
        )
        return result("\n".join(map(json.dumps, made)))
    return result("\n".join(known[name] for name in names))


def _images(world: World, words: Words, stdin: str) -> Result:
    return result("\n".join(f"{n} {i}" for n, i in world.images.items() if n.startswith("schedgen-")))


def _untag(world: World, words: Words, stdin: str) -> None:
    for name in words[2:]:
        world.images.pop(name, None)


def _build(world: World, words: Words, stdin: str) -> None:
    folder = next(word for word in words if word.endswith("/compose.yaml")).removesuffix("/compose.yaml")
    for service in words[words.index("build") + 1 :]:
        world.images[world.overlays[folder][service]["image"]] = image_id(service, world.head)


def _added(world: World, words: Words, stdin: str) -> Result:
    first, last = (SCHEMA[word] for word in words if word in SCHEMA)
    names = (f"backend/src/migrations/{MIGRATIONS[number]}.js\n" for number in range(first + 1, last + 1))
    return result("".join(names))


def _migrate(world: World, words: Words, stdin: str) -> None:
    if words[-1] == "migration:revert":
        world.schema -= 1
        return
    world.migrated = (*world.migrated, world.head)
    folder = next(word for word in words if word.endswith("/compose.yaml")).removesuffix("/compose.yaml")
    world.schema = max(world.schema, SCHEMA[world.resolved[folder]])


def _write(world: World, words: Words, stdin: str) -> None:
    world.files[words.values["path"]] = stdin


def _back_up(world: World, words: Words, stdin: str) -> Result:
    world.parts = (*world.parts, words.values["folder"])
    return result(f"objects 3 512\nfile database.sql.gz 10 {'0' * 64}\nfile objects.tar.gz 10 {'1' * 64}\n")


def _finish(world: World, words: Words, stdin: str) -> None:
    folder = words.values["folder"]
    world.parts = tuple(part for part in world.parts if part != folder)
    world.backups = (*world.backups, folder)
    world.files[f"{folder}/manifest.json"] = stdin


def _fail(world: World, words: Words, stdin: str) -> None:
    world.parts = tuple(part for part in world.parts if part != words.values["folder"])


def discard(world: World, words: Words, stdin: str) -> None:
    gone = {word.removesuffix(".part") for word in words[3:]}
    world.parts = tuple(part for part in world.parts if part not in gone)


def _remove(world: World, words: Words, stdin: str) -> None:
    world.boxes.pop(words[-1], None)


def _page(world: World, words: Words, _: str) -> Result:
    body = "up 1\n" if any(word.endswith("/metrics") for word in words) else "<html>"
    status = "502" if world.pinned in world.cut else world.status
    return result(f"HTTP/1.1 {status} X\r\n\r\n{body}\n\x1e10000 \n")


def _turn(world: World, words: Words, _: str) -> Result | None:
    if "schedgen_out" not in world.ingress:
        return result(code=11 if world.ingress else 10)
    world.left = words.values["way"] == "out"
    return None


def _put_back(world: World, words: Words, _: str) -> None:
    world.files.pop(OUT, None)


# By themselves, or from one look at the engine.
PROGRAMS: dict[str, Handler] = {
    "docker version": says("20.10.24\n"),
    "docker compose version": says("5.6.1\n"),
    "docker info": says(""),
    "docker buildx": lambda world, w, s: result(code=1),
}
TITLES: dict[str, Handler] = {
    **PROGRAMS,
    "git ls-remote": _ls_remote,
    "look at git": says(""),
    "look at v": _look,
    "read the definition": says(""),
    "docker logs": says("since\t0\t600\n"),
    "git fetch": changing(lambda world, w, s: None),
    "git diff": _added,
    "git log": says("1a2b3c4 Read larger files\n"),
    "git checkout": changing(_checkout),
    "git status": lambda world, w, s: result(f"{world.head}\n{world.branch}\n"),
    "read the names": says(recorded("variables.txt")),
    "df": says(recorded("spaces.txt")),
    "is the host taken out": lambda world, w, s: result(
        f"{world.files[OUT]}1736942400\n" if OUT in world.files else ""
    ),
    "note that the host is put back": changing(_put_back),
    "take the host out": changing(_turn),
    "put the host back": changing(_turn),
    "wait for requests in flight": says(""),
    "is ": says(""),
    "what containers wrote": lambda world, w, s: result(world.wrote),
    "are visitors let in": says(""),
    "load": says(recorded("load.txt")),
    "what else runs from there": says(""),
    "whose containers": lambda world, w, s: result("".join(f"{n}\x1f/srv/twin\n" for n in world.strangers)),
    "docker inspect": lambda world, w, s: result("\n".join(box.line for box in world.containers)),
    "read the releases": _releases,
    "schedgen-lock": _lock,
    "look at the room": says(f"free {1 << 40}\n"),
    "back up": changing(_back_up),
    "finish the backup": changing(_finish),
    "record the failed backup": changing(_fail),
    "resolve ": _resolve,
    "git ls-tree": _ls_tree,
    "docker compose config": _config,
    "what ports speak": _spoken,
    "docker compose build": changing(_build),
    "docker compose run": changing(_migrate),
    "wait for the containers": lambda world, w, s: result(world.dies),
    "docker compose logs": says("starting\nError: no database\n"),
    "docker compose rm": changing(_remove),
    "write ": changing(_write),
    "GET ": _page,
    "keep the log's patterns": says(""),
}
LINES: dict[str, Handler] = {
    "true": says(""),
    "sleep": says(""),
    **PROGRAMS,
    "docker tag": changing(_tag),
    "docker image inspect": _ids,
    "docker images": _images,
    "docker rmi": changing(_untag),
    "docker ps": says(""),
    "{ docker logs": says("Error: out of luck\n"),
}
