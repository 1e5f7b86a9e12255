"""The section of a config file about backups: how they are made, and when one counts as proven."""

from typing import Annotated, Literal

from pydantic import Field

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import DEFAULTS, Section


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


class Offsite(Section):
    """Where copies of backups go: any remote that rclone knows, written to from the host."""

    path: t.Word = Field(description="Bucket and folder on the remote.")
    options: Annotated[dict[t.OptionName, t.Word], Field(min_length=1)] = Field(
        description="The remote as rclone.conf would describe it: type, provider, endpoint ..."
    )
    secrets: dict[t.OptionName, t.VariableName] = Field(
        default={},
        description="Options that are secret: the environment variable here that holds each.",
    )
    password: t.VariableName | None = Field(
        default=None,
        description="Environment variable here with the password that encrypts; null: no encryption, and a "
        "backup with configuration in it is not copied.",
    )
    image: t.ImageName | None = Field(
        default=None, description="Image with rclone to run on the host; null: the host's own rclone."
    )
    with_deploy: bool = Field(
        default=False,
        description="A deploy pushes its backup, and stops where that fails; needs a password.",
    )
    deadline: t.Seconds = Field(default=14_400, description="Seconds a push may take.")


class Backup(Section):
    """How backups are made, and where they go."""

    directory: t.RemotePath = Field(
        default="backups", description="Folder on the host, absolute or in the project."
    )
    deadline: t.Seconds = Field(default=3600, description="Seconds a backup or a restore may take.")
    format: Literal["plain", "custom"] = Field(
        default="plain", description="The database's dump: SQL, or the engine's own format."
    )
    compression: Literal["auto", "gzip", "zstd"] = Field(
        default="auto",
        description="auto: gzip for the database; for the objects zstd where the host has it, else gzip "
        "if it saves a fifth of a sample.",
    )
    drill: Drill = Field(default=DEFAULTS, description="Proof by a restore.")
    keep_days: Annotated[int, Field(ge=1, le=3650)] = Field(
        default=7, description="Days for which `inv backup.prune` keeps every backup."
    )
    keep: Annotated[int, Field(ge=1, le=1000)] = Field(
        default=5, description="Good backups that `inv backup.prune` keeps, however old."
    )
    overdue_hours: Annotated[int, Field(ge=1, le=87_600)] = Field(
        default=26, description="Hours after which `inv backup.overdue` calls the newest good one too old."
    )
    offsite: Offsite | None = Field(default=None, description="Where copies go; null: nowhere.")
