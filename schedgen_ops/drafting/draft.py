"""What a config says of a project that was looked at, and what showed it. Pure.

What cannot be known is not guessed: it stands in a comment, with what is to be done.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass

from schedgen_ops import databases
from schedgen_ops.commands.definition import Service
from schedgen_ops.drafting.seen import Seen
from schedgen_ops.drafting.visits import Visit, visits
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.grouping import waves
from schedgen_ops.rollout.spoken import HTTP, NOTHING
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.settings import Settings
from schedgen_ops.text import plural

_OTHERS = re.compile(r"(^|/)(mysql|mariadb|percona|mongo|mssql|cockroach|clickhouse|cassandra)\b")
_MINIO = re.compile(r"(^|/)minio\b")
_CREDENTIAL = re.compile(r"PASSW|SECRET|TOKEN|PRIVATE|CREDENTIAL|(^|_)KEY(_|$)|API_?KEY|ACCESS_?KEY")
_MIGRATES = re.compile(r"migrat", re.IGNORECASE)
_CALLED = {
    "typeorm": "TypeORM",
    "prisma": "Prisma",
    "django": "Django",
    "rails": "Rails",
    "alembic": "Alembic",
    "flyway": "Flyway",
    "laravel": "Laravel",
    "golang-migrate": "golang-migrate",
    "knex": "Knex",
}
_GOOD = range(200, 400)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a project is: `name`, `address`, `user` and `port` of its host, and its directory there."""

    address: str
    directory: str
    name: str
    user: str = ""
    port: int | None = None

    @property
    def row(self) -> dict[str, object]:
        """Its entry in `hosts`."""
        said: dict[str, object] = {"name": self.name, "address": self.address}
        said |= {"user": self.user} if self.user else {}
        return said | ({"port": self.port} if self.port else {})


@dataclass(frozen=True, slots=True)
class Entry:
    """A part of a config file.

    Attributes:
        key: its key; "" for a remark alone.
        value: what stands there, as YAML has it; for a remark nothing.
        why: what showed it, or what is to be done.
    """

    key: str
    value: object = None
    why: str = ""


def draft(place: Place, seen: Seen) -> tuple[Entry, ...]:
    """Return the parts of a config, in their order."""
    parts = (
        _project(place, seen),
        _code(seen),
        _database(seen),
        _objects(seen),
        _credentials(seen),
        _migrations(seen),
        _checks(seen),
        _jobs(seen),
    )
    return tuple(entry for part in parts for entry in part)


def values(entries: tuple[Entry, ...]) -> dict[str, object]:
    """Return what the config says, without what showed it."""
    return {entry.key: entry.value for entry in entries if entry.key}


def strategies(settings: Settings, seen: Seen) -> tuple[Entry, ...]:
    """Return how each service is replaced by what the config says, and why, in the order in which that is."""
    services = {each.name: each for each in seen.services}
    hows = registry.chosen(services.values(), settings)
    records = {name: ServiceRecord("", "", "", needs=each.needs) for name, each in services.items()}
    lines = ["How a deploy replaces services, in this order, where `rollout` and `tiers` say nothing else:"]
    for name in (name for wave in waves(records) for name in wave):
        how = hows[name]
        told = f"{how.name}: {how.kept}" if how.kept else how.told(services[name], records[name])
        lines.append(f"{name}: {told}")
    return tuple(Entry("", why=line) for line in lines)


def _project(place: Place, seen: Seen) -> Iterator[Entry]:
    written = str(seen.document.get("name") or "")
    running = {project for project, _, _ in seen.runs}
    name, why = written, "as `docker compose` calls it there; nothing of it runs yet"
    if len(running) == 1:
        (name,) = running
        why = f"{plural(len(seen.runs), 'container')} of it there"
    elif running:
        why = f"containers of {', '.join(sorted(running))} were made from this folder: which is it?"
    yield Entry("project", name, why)
    yield Entry("directory", place.directory)
    yield Entry("hosts", [place.row])


def _code(seen: Seen) -> Iterator[Entry]:
    if not seen.git:
        yield Entry(
            "", why="The directory is in no git work tree: a deploy needs one, `inv hosts.setup` clones it."
        )
        return
    if seen.branch:
        yield Entry("branch", seen.branch, "what is checked out there; `--branch` deploys another one")
    else:
        yield Entry("", why="No branch is checked out there: `inv deploy` needs --branch, or `branch` here.")
    if seen.remote and seen.remote != "origin":
        yield Entry("remote", seen.remote, "the only name that its origin has there")
    if not seen.remote:
        yield Entry(
            "", why="The work tree has no remote: a deploy fetches from one (`git remote add origin URL`)."
        )


def _database(seen: Seen) -> Iterator[Entry]:
    titles = " and ".join(each.title for each in databases.ENGINES.values())
    for service in seen.services:
        if _is(service, _OTHERS):
            yield Entry(
                "", why=f"{service.name}: a database that is not backed up here, {titles} is. Do it yourself."
            )
    taken = ""
    for service, engine, section in _servers(seen):
        title = databases.engine_of(engine).title
        if taken:
            text = f"{service.name}: {title} too. One is backed up: see that it is the one that matters."
            yield Entry("", why=text)
            continue
        taken = service.name
        yield Entry("database", section, f"{title}: {service.image or 'its files are in a volume'}")


def _servers(seen: Seen) -> Iterator[tuple[Service, str, dict[str, object]]]:
    """Services that are servers of databases, each with its engine and what `database` says of it."""
    for service in seen.services:
        for name, engine in databases.ENGINES.items():
            found = engine.recognised(seen.body(service.name))
            if found is not None:
                section: dict[str, object] = {"service": service.name, **found}
                section |= {"used_by": _users(seen, service)}
                yield service, name, section | ({"engine": name} if name != databases.DEFAULT else {})


def _objects(seen: Seen) -> Iterator[Entry]:
    for service in seen.services:
        if not _is(service, _MINIO):
            continue
        kept = [volume.get("target") for volume in seen.body(service.name).get("volumes") or ()]
        if "/data" in kept:
            section = {"profile": "minio", "service": service.name, "used_by": _users(seen, service)}
            yield Entry("objects", section, f"by its image, {service.image}")
        else:
            yield Entry(
                "", why=f"{service.name} is MinIO without a volume at /data: `objects` is for you to say."
            )
        return


def _credentials(seen: Seen) -> Iterator[Entry]:
    asked = [name for name in seen.used if name in seen.there and _CREDENTIAL.search(name)]
    secrets = (each.get("environment") for each in (seen.document.get("secrets") or {}).values())
    names = sorted({*seen.required, *asked, *filter(None, secrets)})
    if names:
        yield Entry(
            "credentials", names, "a deploy stops where one is missing or blank in the env file there"
        )


def _migrations(seen: Seen) -> Iterator[Entry]:
    jobs = [each for each in seen.services if (each.ends or each.may_end) and _moves(seen, each)]
    if jobs:
        yield Entry(
            "", why=f"{jobs[0].name} moves the schema: a job, run at every release before what needs it."
        )
        return
    for kind, path in seen.moves:
        near = [each for each in seen.services if each.built and _inside(seen, each, path)]
        service = near[0].name if near else "SERVICE"
        folder = next((one for one in seen.folders if _below(path, one)), "")
        if kind == "typeorm" and near and folder:
            section = {"profile": "typeorm", "service": service, "path": folder}
            yield Entry(
                "migrations", section, f"{path} has its scripts; `npm run migration:run` in {service}"
            )
            return
        text = f"{_CALLED.get(kind, kind)} moves the schema ({path}). Say how, or nothing does: migrations: "
        yield Entry("", why=f"{text}{{service: {service}, path, run, show, revert, applied, pending}}.")
        return


def _checks(seen: Seen) -> Iterator[Entry]:
    checks: list[dict[str, object]] = []
    left: list[str] = []
    for visit in visits(seen):
        check = _check(visit, seen, {str(each["name"]) for each in checks})
        if isinstance(check, str):
            left.append(check)
        else:
            checks.append(check)
    if checks:
        yield Entry("checks", checks, "published ports that speak HTTP; a path is what the healthcheck asks")
    else:
        yield Entry(
            "", why="No check was found: a deploy sees that containers are healthy, and no more than that."
        )
    for text in left:
        yield Entry("", why=text)


def _check(visit: Visit, seen: Seen, taken: set[str]) -> dict[str, object] | str:
    """A check of a port; a remark where none can be written."""
    spoken = seen.spoken.get(visit.door, NOTHING)
    where = f"port {visit.port.published} of {visit.service}"
    if spoken == NOTHING and visit.path == "/":
        return f"Nobody answers at {where}: write a check once it runs."
    if spoken not in (HTTP, NOTHING):
        how = "TLS of its own" if spoken == "tls" else "no HTTP"
        return f"{where.capitalize()} speaks {how}: bytes pass as they come; a check of it is yours to write."
    name = visit.service if visit.service not in taken else f"{visit.service}-{visit.port.published}"
    check: dict[str, object] = {"name": name, "url": visit.url, "service": visit.service}
    status = seen.answers.get(visit.url, 0)
    if status >= 500:
        return f"{visit.url} answers {status}: write a check of {where} that is good when it is."
    if status and status not in _GOOD:
        check["status"] = status
    return check


def _jobs(seen: Seen) -> Iterator[Entry]:
    maybe = [each.name for each in seen.services if each.may_end and not each.ends]
    ended = {service for _, service, status in seen.runs if status.startswith("Exited (0)")}
    jobs = [name for name in maybe if name in ended]
    if jobs:
        yield Entry(
            "rollout", {"jobs": jobs}, "they ended there, and nothing starts them again: run at every release"
        )
    known = {service for _, service, _ in seen.runs}
    open_ones = [name for name in maybe if name not in known]
    if open_ones:
        text = f"{', '.join(open_ones)}: jobs, if they are to end. Name them in rollout.jobs then."
        yield Entry("", why=text)


def _is(service: Service, image: re.Pattern[str]) -> bool:
    return bool(image.search(service.image.partition("@")[0]))


def _users(seen: Seen, store: Service) -> list[str]:
    return [
        each.name for each in seen.services if store.name in each.needs and not (each.ends or each.may_end)
    ]


def _moves(seen: Seen, service: Service) -> bool:
    body = seen.body(service.name)
    return bool(
        _MIGRATES.search(f"{service.name} {body.get('command') or ''} {body.get('entrypoint') or ''}")
    )


def _inside(seen: Seen, service: Service, path: str) -> bool:
    """Whether a file of the project is in the folder that a service is built from."""
    context = posixpath.relpath(service.context, seen.directory)
    return context == "." or _below(f"{context}/x", path)


def _below(beside: str, path: str) -> bool:
    """Whether `path` is in the folder that the file `beside` is in, at any depth."""
    folder = beside.rpartition("/")[0]
    return not folder or path == folder or path.startswith(f"{folder}/")
