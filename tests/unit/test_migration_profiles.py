"""What the migration profiles make of what their frameworks print: texts of theirs, some titles changed."""

from __future__ import annotations

import pytest

from schedgen_ops import profiles, schema_standing
from schedgen_ops.schema_standing import Standing
from schedgen_ops.settings import Migrations

# Django 5.2: showmigrations --plan.
DJANGO = """\
[X]  contenttypes.0001_initial
[X]  auth.0012_alter_user_first_name_max_length
[ ]  shop.0001_initial
"""
# Alembic 1.20, one of three reverted, and before the first.
ALEMBIC = """\
72f122d85eaa -> 29246f428c44 (head), three, (current) in its title
b40bdc417f47 -> 72f122d85eaa (current), two
"""
ALEMBIC_FRESH = """\
72f122d85eaa -> 29246f428c44 (head), three
b40bdc417f47 -> 72f122d85eaa, two
<base> -> b40bdc417f47, one
"""
ALEMBIC_DONE = "72f122d85eaa -> 29246f428c44 (head) (current), three\n"
# Rails 6.1: db:migrate:status.
RAILS = """\

database: ra

 Status   Migration ID    Migration Name
--------------------------------------------------
   up     20260101000000  Create t1
   up     20260102000000  Create t2
  down    20260103000000  Bring it up 20260104000000

"""
# Knex 3.3: migrate:list.
KNEX = """\
Found 1 Completed Migration file/files.
20261130013920_one.js
Found 2 Pending Migration file/files.
20261130013922_two.js
20261130013925_three.ts

"""
KNEX_DONE = """\
Found 2 Completed Migration file/files.
20261130013920_one.js
20261130013922_two.js
No Pending Migration files Found.

"""
KNEX_FRESH = """\
No Completed Migration files Found.
Found 1 Pending Migration file/files.
20261130013922_two.js

"""
TYPEORM = """\
query: SELECT * FROM "migrations"
[X] 12 CreateJobs1712000000000
 [ ] AddIndex1716000000000
"""


@pytest.mark.parametrize(
    ("name", "said", "applied", "pending"),
    [
        (
            *("django", DJANGO),
            ("contenttypes.0001_initial", "auth.0012_alter_user_first_name_max_length"),
            ("shop.0001_initial",),
        ),
        ("alembic", ALEMBIC, ("72f122d85eaa",), ("29246f428c44",)),
        ("alembic", ALEMBIC_FRESH, (), ("29246f428c44", "72f122d85eaa", "b40bdc417f47")),
        ("alembic", ALEMBIC_DONE, ("29246f428c44",), ()),
        ("rails", RAILS, ("20260101000000", "20260102000000"), ("20260103000000",)),
        (
            *("knex", KNEX),
            ("20261130013920_one.js",),
            ("20261130013922_two.js", "20261130013925_three.ts"),
        ),
        ("knex", KNEX_DONE, ("20261130013920_one.js", "20261130013922_two.js"), ()),
        ("knex", KNEX_FRESH, (), ("20261130013922_two.js",)),
        ("typeorm", TYPEORM, ("CreateJobs1712000000000",), ("AddIndex1716000000000",)),
    ],
)
def test_what_is_applied_and_what_is_pending_is_read(
    name: str, said: str, applied: tuple[str, ...], pending: tuple[str, ...]
) -> None:
    wanted = Migrations.model_validate({"profile": name, "service": "web", "path": "moves"})
    assert schema_standing.parse(wanted, said) == Standing(applied, pending)


@pytest.mark.parametrize("name", profiles.PROFILES["migrations"])
def test_what_says_nothing_of_migrations_is_not_taken_for_none(name: str) -> None:
    wanted = Migrations.model_validate({"profile": name, "service": "web", "path": "moves"})
    for said in ("", "Cannot connect to the database\n"):
        assert schema_standing.parse(wanted, said) is None
    assert schema_standing.parse(wanted, "There are no migrations here.\n") == Standing()
