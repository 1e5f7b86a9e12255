"""What moves schemas, as far as a project's files show it. Pure: drafting/look.bash finds the files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Framework:
    """What is known of a framework that moves schemas.

    Attributes:
        title: what a reader calls it.
        profile: of `migrations`, "" where there is none.
        path: where its migrations are below its root, unless one folder has them all; "" where that is for
            its user to choose.
        root: the folder that its own are in, from that of the file that shows it.
    """

    title: str
    profile: str = ""
    path: str = ""
    root: str = "."


# By the kind that drafting/look.bash tells.
FRAMEWORKS: Mapping[str, Framework] = {
    "alembic": Framework("Alembic", "alembic", "*/versions/*.py"),
    "django": Framework("Django", "django", "*/migrations/*.py"),
    "flyway": Framework("Flyway"),
    "golang-migrate": Framework("golang-migrate"),
    "knex": Framework("Knex", "knex", "migrations"),
    "laravel": Framework("Laravel"),
    "prisma": Framework("Prisma"),
    "rails": Framework("Rails", "rails", "db/migrate", ".."),
    "typeorm": Framework("TypeORM", "typeorm"),
}
