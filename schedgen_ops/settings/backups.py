"""The section of a config file about backups: how they are made, and when one counts as proven."""

from typing import Annotated, Literal

from pydantic import Field

from schedgen_ops.settings import types as t
from schedgen_ops.settings.sections import Section


class Drill(Section):
    """A restore into a throwaway container, as proof."""

    deploy: Literal["never", "stale", "always"] = Field(
        default="never",
        description="A deploy drills its backup: never, always, or when none was proven for max_age_days.",
    )
    max_age_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=7, description="Days after which a proof is stale."
    )
    queries: t.Many[t.Word] = Field(
        default=(),
        description="SQL that a restored database must answer with a value that is not empty, 0 or false.",
    )
    deadline: t.Seconds = Field(default=3600, description="Seconds a drill may take.")


class Backup(Section):
    """How backups are made, and where they go."""

    directory: t.RemotePath = Field(
        default="backups", description="Folder on the host, absolute or in the project."
    )
    deadline: t.Seconds = Field(default=3600, description="Seconds a backup or a restore may take.")
    format: Literal["plain", "custom"] = Field(
        default="plain", description="The database's dump: SQL for psql, or pg_restore's own."
    )
    compression: Literal["auto", "gzip", "zstd"] = Field(
        default="auto",
        description="auto: gzip for the database, for the objects zstd where the host has it.",
    )
    drill: Drill = Field(default=Drill(), description="Proof by a restore.")
