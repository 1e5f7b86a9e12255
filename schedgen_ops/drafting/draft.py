"""What a config says of a project that was looked at, and what showed it. Pure.

What cannot be known is not guessed: it stands in a comment, with what is to be done.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain, count

from schedgen_ops import databases, profiles
from schedgen_ops.commands.definition import Service
from schedgen_ops.commands.image_names import repository_of
from schedgen_ops.drafting import found
from schedgen_ops.drafting.called import called
from schedgen_ops.drafting.questions import YES, job
from schedgen_ops.drafting.seen import Seen
from schedgen_ops.drafting.visits import Visit, visits
from schedgen_ops.release.record import ServiceRecord
from schedgen_ops.rollout.grouping import waves
from schedgen_ops.rollout.spoken import HTTP, NOTHING
from schedgen_ops.rollout.strategies import registry
from schedgen_ops.settings import Settings
from schedgen_ops.text import plural

# By the name of their image alone: who has one in a name of more words looks at it, or fills it.
_OTHERS = frozenset(
    (
        *("mysql", "mysql-server", "mariadb", "mariadb-galera", "percona", "percona-server", "mssql/server"),
        *("mongo", "mongodb", "cockroach", "clickhouse", "clickhouse-server", "cassandra"),
    )
)
_MINIO = frozenset(("minio",))
_CREDENTIAL = re.compile(r"PASSW|SECRET|TOKEN|PRIVATE|CREDENTIAL|(^|_)KEY(_|$)|API_?KEY|ACCESS_?KEY")
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
        _rollout(seen),
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
    name, why = str(seen.document.get("name") or ""), "as `docker compose` calls it there; nothing runs yet"
    running = found.projects(seen)
    if len(running) == 1:
        (name,), why = running, f"{plural(len(seen.runs), 'container')} of it there"
    elif seen.chosen.get("project"):
        name, why = seen.chosen["project"], "as you said"
    elif running:
        why = f"containers of {', '.join(running)} were made from this folder: which is it?"
    yield Entry("project", name, why)
    yield Entry("directory", place.directory)
    yield Entry("hosts", [place.row])


def _code(seen: Seen) -> Iterator[Entry]:
    variable, tag = found.picked(seen)
    if variable and not seen.git:
        yield Entry(
            "release", {"source": "image", "variable": variable}, "no git there: a release is a tag of images"
        )
        yield Entry("branch", tag, f"what ${{{variable}}} is there; `--tag` deploys another one")
        return
    if variable:
        how = (
            f"`release: {{source: image, variable: {variable}}}` deploys a tag of images instead of a commit."
        )
        yield Entry("", why=f"${{{variable}}} is the tag of images that were built elsewhere: {how}")
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
    for number, server in enumerate(found.servers(seen)):
        service, title = server.service, databases.engine_of(server.engine).title
        if number:
            text = f"{service.name}: {title} too. One is backed up: see that it is the one that matters."
            yield Entry("", why=text)
            continue
        section = {"service": service.name, "user": server.user, "name": server.name}
        more = {"engine": server.engine} if server.engine != databases.DEFAULT else {}
        users = found.users(seen, service.name)
        why = f"{title}: {service.image or 'its files are in a volume'}"
        yield Entry("database", {**section, **more, "used_by": users}, why)


def _objects(seen: Seen) -> Iterator[Entry]:
    for service in seen.services:
        if not _is(service, _MINIO):
            continue
        kept = [volume.get("target") for volume in seen.body(service.name).get("volumes") or ()]
        if "/data" in kept:
            section = {
                "profile": "minio",
                "service": service.name,
                "used_by": found.users(seen, service.name),
            }
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
    if name := found.migrating_job(seen):
        yield Entry("", why=f"{name} moves the schema: a job, run at every release before what needs it.")
        return
    moved = found.moved(seen)
    if moved is None:
        return
    framework, service = moved.framework, next(iter(moved.services), "SERVICE")
    if not (framework.profile and moved.services and moved.path):
        text = f"{framework.title} moves the schema ({moved.shown}). Say how, or nothing does: migrations: "
        keys = "path, run, show, revert, applied, pending"
        if framework.profile:
            keys = f"profile: {framework.profile}, path"
        yield Entry("", why=f"{text}{{service: {service}, {keys}}}.")
        return
    section = {"profile": framework.profile, "service": service, "path": moved.path}
    run = profiles.chosen("migrations", framework.profile)["run"]
    assert isinstance(run, tuple)
    yield Entry("migrations", section, f"by {moved.shown}; `{' '.join(run)}` in {service}")


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
    if spoken == NOTHING and visit.path == "/" and not visit.secure:
        return f"Nobody answers at {where}: write a check once it runs."
    if spoken not in (HTTP, NOTHING) or (spoken == NOTHING and visit.secure):
        how = "no HTTP" if spoken not in ("tls", NOTHING) else "TLS of its own"
        return f"{where.capitalize()} speaks {how}: bytes pass as they come; a check of it is yours to write."
    # One port may be on several addresses.
    begin = visit.service.lstrip("._-")
    at = f"{begin}-{visit.port.published}"
    names = chain((begin, at), (f"{at}-{number}" for number in count(2)))
    name = next(each for each in names if each not in taken)
    check: dict[str, object] = {"name": name, "url": visit.url, "service": visit.service}
    status = seen.answers.get(visit.url, 0)
    if status >= 500:
        return f"{visit.url} answers {status}: write a check of {where} that is good when it is."
    if status and status not in _GOOD:
        check["status"] = status
    return check


def _rollout(seen: Seen) -> Iterator[Entry]:
    said = {name: seen.chosen.get(job(name)) for name in found.open_jobs(seen)}
    jobs = [*found.ended_jobs(seen), *(name for name, answer in said.items() if answer == YES)]
    by_name = called(seen)
    section: dict[str, object] = {}
    why: list[str] = []
    if jobs:
        section["jobs"] = jobs
        why.append("jobs: they end, and nothing starts them again, so they are run at every release")
    if by_name:
        section["by_name"] = by_name
        text = "publish nothing, hold nothing and listen on this port alone: their names lead to the ingress"
        why.append(f"by_name: {text}")
    if section:
        yield Entry("rollout", section, "; ".join(why))
    if unsaid := [name for name, answer in said.items() if not answer]:
        text = f"{', '.join(unsaid)}: jobs, if they are to end. Name them in rollout.jobs then."
        yield Entry("", why=text)


def _is(service: Service, names: frozenset[str]) -> bool:
    parts = repository_of(service.image).split("/")
    return parts[-1] in names or "/".join(parts[-2:]) in names
