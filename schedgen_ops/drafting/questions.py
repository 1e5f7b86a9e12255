"""What only the owner of a project knows, where what was seen leaves it open. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from schedgen_ops.drafting import found
from schedgen_ops.drafting.seen import Seen

YES, NO = "yes", "no"


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the answers that there are; `about` is its key in `Seen.chosen`."""

    about: str
    text: str
    options: tuple[str, ...]


def questions(seen: Seen) -> Iterator[Question]:
    """Yield what is to be asked."""
    projects = found.projects(seen)
    if len(projects) > 1:
        text = f"Containers of several projects were made from {seen.directory}. Which one is it?"
        yield Question("project", text, projects)
    servers = found.servers(seen)
    if len(servers) > 1:
        names = tuple(server.service.name for server in servers)
        yield Question("database", "Which database is to be backed up?", names)
    moved = found.moved(seen)
    if moved and len(moved.services) > 1 and not found.migrating_job(seen):
        text = f"{moved.framework.title} moves the schema ({moved.shown}). In which service is that done?"
        yield Question("migrations", text, moved.services)
    for name in found.open_jobs(seen):
        text = f"Is {name} a job, which ends by itself and is to run at every release?"
        yield Question(job(name), text, (YES, NO))


def job(service: str) -> str:
    """Return the key of the question whether a service is a job."""
    return f"job {service}"
