"""What a host holds: every row, every object, and what restores left beside them."""

from __future__ import annotations

from dataclasses import dataclass

from box import Box

# The databases of the golden state; the lab resets the one from the other.
DATABASES = {"postgres", "schedgen", "schedgen_golden"}
_FEW = """
DELETE FROM events; DELETE FROM jobs WHERE id NOT IN (SELECT id FROM jobs ORDER BY id LIMIT 500);
"""
_FEW_OBJECTS = "cd /data/schedules/done && ls | tail -n +101 | xargs rm -f"


@dataclass(frozen=True)
class Data:
    """All that a production holds: every row of its tables, every object."""

    rows: str
    objects: str

    @classmethod
    def of(cls, box: Box) -> Data:
        tables = " ".join(
            f"SELECT '{table}', count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} t;"
            for table in ("jobs", "events", "migrations")
        )
        find = "find . -type f ! -path './.schedgen*' -exec sha256sum {} + | sort | sha256sum"
        return cls(sql(box, tables), box.sh(f'docker compose exec -T minio sh -c "cd /data && {find}"'))


def shrink(box: Box) -> None:
    """Leave enough to lose, and little to wait for in every backup."""
    sql(box, _FEW)
    box.sh(f"docker compose exec -T minio sh -c '{_FEW_OBJECTS}'")


def sql(box: Box, text: str) -> str:
    """What the database answers."""
    return box.sh(f'docker compose exec -T postgres psql -qtA -U schedgen -c "{text}"')


def databases(box: Box) -> set[str]:
    """The names of its databases."""
    return set(sql(box, "SELECT datname FROM pg_database WHERE NOT datistemplate").split())


def aside(box: Box) -> list[str]:
    """What is beside the objects and none of them."""
    return box.sh("docker compose exec -T minio sh -c 'ls -A /data | grep schedgen- || true'").split()
