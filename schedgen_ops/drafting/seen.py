"""What was seen of a project that somebody runs by hand. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schedgen_ops.commands.compose import Service, parse_services
from schedgen_ops.rollout.by_name import Listener
from schedgen_ops.rollout.spoken import Spoken


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen of a project.

    Attributes:
        directory: where it is, without links.
        git: whether its folder is in a git work tree.
        branch: what is checked out, "" for no branch; `remote` is the first one there is.
        runs: project, service and status of each container that its compose file made.
        listens: where each of them that runs and holds nothing is reached by others.
        moves: what seems to move the schema: kind and path.
        folders: those of migrations.
        used: the variables that its compose files ask for; those that they refuse to go on without are
            `required`, and those that its env file has are `there`.
        tagged: the variables that are the tag of an image, and that image without it.
        document: the compose file as Compose resolves it. It has secrets: only some of it is named.
        spoken: what its ports speak, by door, as `rollout.spoken` has them.
        answers: the status that those of HTTP gave, by URL.
        chosen: what the owner answered, by what `questions` asks about.
    """

    document: Mapping[str, Any]
    directory: str = "/"
    git: bool = False
    branch: str = ""
    remote: str = ""
    runs: tuple[tuple[str, str, str], ...] = ()
    listens: tuple[Listener, ...] = ()
    moves: tuple[tuple[str, str], ...] = ()
    folders: tuple[str, ...] = ()
    used: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    there: tuple[str, ...] = ()
    tagged: tuple[tuple[str, str], ...] = ()
    spoken: Spoken = field(default_factory=dict)
    answers: Mapping[str, int] = field(default_factory=dict)
    chosen: Mapping[str, str] = field(default_factory=dict)

    @property
    def services(self) -> tuple[Service, ...]:
        """Its services."""
        return parse_services(self.document, {})

    def body(self, service: str) -> Mapping[str, Any]:
        """What the compose file says of one of them."""
        return dict(self.document["services"][service] or {})
