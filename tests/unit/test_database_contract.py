"""The recipe "Add a database" of CONTRIBUTING.md, followed: SQLite passes the suite of all engines."""

from __future__ import annotations

import json
import re
import shutil
import sqlite3
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast, get_args

import pytest
from database_contract import Case, DatabaseContract, Here
from kit import apart, path, program, programs_outside
from test_backup_restore import boxes

from schedgen_ops import databases, host_scripts, objects
from schedgen_ops.commands.docker import Docker
from schedgen_ops.databases.contract import DatabaseEngine, FailureCause, Saved
from schedgen_ops.settings import Database, Objects, Settings
from schedgen_ops.shell import Command

OURS = Path(__file__).parent / "sqlite"
BOX = "id-postgres"


class Sqlite:
    """SQLite, by a program of its own, `lite`."""

    title = client = "SQLite"
    followers_are = "readers"
    away = "unable to open database file"
    damage: tuple[str, ...] = ("database disk image is malformed",)

    def recognised(self, service: Mapping[str, Any]) -> Mapping[str, str] | None:
        return {"user": "nobody", "name": "main"} if "lite" in str(service.get("image")) else None

    def size(self, docker: Docker, container: str, database: Database) -> Command:
        return docker("exec", container, "stat", "-c", "%s", f"{database.name}.db")

    def queries(self, database: Database, statements: Sequence[str]) -> tuple[str, ...]:
        return ("lite", "query", database.name, *statements)

    def parse_queries(self, stdout: str) -> tuple[tuple[str, float], ...]:
        return ((stdout, 0.0),)

    def reading(self, database: Database, **variables: str) -> tuple[str, ...]:
        return ("lite", "load", database.name)

    def session(self, database: Database, *, interactive: bool, read_only: bool) -> tuple[str, ...]:
        return ("lite", "session", database.name, *(("--readonly",) if read_only else ()))

    def by_hand(self, database: Database, form: str) -> tuple[str, ...]:
        return ("lite", "load", database.name)

    def told(self, roles: object, properties: Mapping[str, Any]) -> str:
        return f"{json.dumps(dict(properties))}\n"

    def refusals(self, answer: str, saved: Saved) -> Iterator[tuple[str, str]]:
        if json.loads(answer)["version"] < "3":
            yield f"this SQLite is too old for {saved.backup}", "Take a newer one."

    def followers(self, answer: str) -> tuple[str, ...]:
        return ()

    def connections(self) -> str:
        return "SELECT 1, 1"

    def locks(self) -> str:
        return "SELECT 1 WHERE 0"

    def ending(self, session: int) -> str:
        return "SELECT 'f'"

    def causes(self, settings: Settings, database: Database) -> Iterator[tuple[str, FailureCause]]:
        yield "database is locked", FailureCause("another program writes", "Wait for it.")


@dataclass(frozen=True)
class Files:
    """A container of SQLite's: a folder."""

    folder: Path
    host: Here

    def new(self, name: str, sql: str) -> Case:
        self.tell(name, f"PRAGMA application_id = 7; {sql}")
        return Case(self, name)

    def tell(self, name: str, sql: str) -> None:
        with closing(sqlite3.connect(self.folder / f"{name}.db")) as base:
            base.executescript(sql)

    def names(self) -> set[str]:
        return {file.stem for file in self.folder.glob("*.db")}

    def dumped(self, name: str) -> bytes:
        with closing(sqlite3.connect(self.folder / f"{name}.db")) as base:
            return "\n".join(base.iterdump()).encode()

    def about(self, name: str) -> dict[str, object]:
        with closing(sqlite3.connect(self.folder / f"{name}.db")) as base:
            ((application,),) = base.execute("PRAGMA application_id")
        return {"application": application, "marked": (self.folder / f"{name}.mark").exists()}

    def config(self, name: str, form: str, queries: Sequence[str]) -> Settings:
        database = {"service": "postgres", "user": "nobody", "name": name}
        where = {
            "project": "p",
            "directory": str(self.host.folder),
            "hosts": [{"name": "app1", "address": "a"}],
        }
        backup = {"format": form, "drill": {"queries": queries}}
        config = Settings.model_validate({**where, "database": database, "backup": backup})
        assert config.database
        # The line in the settings that names the engine is the one part of the recipe that is not followed.
        return config.model_copy(update={"database": config.database.model_copy(update={"engine": "sqlite"})})


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Files:
    """The recipe: the engine's module in the registry, its script beside the others."""
    scripts = tmp_path / "host_scripts"
    shutil.copytree(host_scripts.FOLDER, scripts)
    shutil.copy(OURS / "sqlite.bash", scripts / "databases")
    apart(scripts, monkeypatch)
    monkeypatch.setitem(cast(dict[str, DatabaseEngine], databases.ENGINES), "sqlite", Sqlite())
    home = tmp_path / "home"
    box = home / "boxes" / BOX
    box.mkdir(parents=True)
    (box / "labels").write_text("label=com.docker.compose.project=p\n")
    (box / "inspect").write_text(boxes("postgres"))
    docker = program(tmp_path / "bin", "docker", (OURS / "docker.bash").read_text())
    program(docker.parent, "lite", f'exec {sys.executable} "{OURS / "lite.py"}" "$@"')
    return Files(box, Here(home, (("HOME", str(home)), ("PATH", path(docker.parent)))))


class TestSqlite(DatabaseContract):
    """The suite of all engines."""


def test_only_what_there_is_a_module_and_a_script_for_can_be_chosen() -> None:
    for registry, folder in ((databases.ENGINES, "databases"), (objects.KINDS, "objects")):
        assert {*registry} == {each.stem for each in (host_scripts.FOLDER / folder).glob("*.bash")}
    for section, key, registry in ((Database, "engine", databases.ENGINES), (Objects, "kind", objects.KINDS)):
        assert {*get_args(section.model_fields[key].annotation)} == {*registry}
        assert section.model_fields[key].default in registry


@pytest.mark.parametrize(
    ("contract", "prefix", "folder"), [("database", "db", "databases"), ("objects", "objects", "objects")]
)
def test_a_script_has_every_function_that_its_contract_lists(contract: str, prefix: str, folder: str) -> None:
    text = host_scripts.text(f"lib/{contract}.bash")
    listed = set(re.findall(rf"^#   ({prefix}_\w+)", text, re.MULTILINE))
    assert len(listed) > 8
    for script in (host_scripts.FOLDER / folder).glob("*.bash"):
        assert set(re.findall(rf"^({prefix}_\w+)\(\)", script.read_text(), re.MULTILINE)) == listed


# Where an engine or a kind of store may be known: its own rooms, its line in the settings, the list of
# servers that hold data, and the lab.
ROOMS = (
    *("databases/", "objects/", "host_scripts/databases/", "host_scripts/objects/"),
    *("commands/postgres.py", "commands/stores.py", "settings/sections.py", "lab/"),
)
KNOWS = re.compile(r"postgres|psql|\bpg_[a-z]|\bPG[A-Z]{3}", re.IGNORECASE)
# What backups know of neither.
OF_ITS_WAY = re.compile(r"\bvolumes?\b|docker\S* cp\b|@\]\}\" (cp|exec|run)\b|replication slot|\bWAL\b")


def test_nothing_but_its_own_rooms_knows_how_a_database_or_a_store_works() -> None:
    for name, text in programs_outside(ROOMS):
        assert (name, KNOWS.findall(text)) == (name, [])
        if "backup" in name.split("/"):
            assert (name, OF_ITS_WAY.findall(text)) == (name, [])
