"""One PostgreSQL server for all of a test module, and what a database is when nothing of it may be lost."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from database_contract import Case, Here

from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.host_scripts import joined
from schedgen_ops.lab import docker
from schedgen_ops.lab.place import LABEL, PREFIX
from schedgen_ops.settings import Settings

USER = "schedgen"
IMAGE = "lab/postgres:15"


@dataclass(frozen=True)
class Server:
    """A PostgreSQL server in a container, which looks like a Compose service of the project."""

    box: str
    folder: Path

    @property
    def host(self) -> Here:
        return Here(self.folder)

    def psql(self, database: str, sql: str, *, check: bool = True) -> str:
        """What the server answers, bare."""
        done = self._in("psql", "-XqAt", "-v", "ON_ERROR_STOP=1", "-U", USER, "-d", database, stdin=sql)
        assert not check or done.returncode == 0, done.stderr.decode()
        return done.stdout.decode(errors="replace").strip()

    def make(self, name: str, options: str, sql: str) -> Case:
        """A database with what `sql` makes in it."""
        self.psql("template1", f'CREATE DATABASE "{name}" TEMPLATE template0 {options}')
        self.psql(name, sql)
        return Case(self, name)

    def new(self, name: str, sql: str) -> Case:
        return self.make(name, "", sql)

    def tell(self, name: str, sql: str) -> str:
        return self.psql(name, sql)

    def config(self, name: str, form: str, queries: Sequence[str] = (), *, objects: bool = False) -> Settings:
        database = {"service": "postgres", "user": USER, "name": name, "used_by": []}
        where = {"project": _project(self.folder), "directory": str(self.folder)}
        hosts = [{"name": "app1", "address": "app1"}]
        migrations = {"profile": "typeorm", "service": "app", "path": "migrations"}
        store = {"service": "minio", "path": "/data", "used_by": []} if objects else None
        stored = {"database": database, "objects": store, "migrations": migrations}
        backup = {"format": form, "drill": {"queries": queries}}
        return Settings.model_validate({**where, "hosts": hosts, **stored, "backup": backup})

    def names(self) -> set[str]:
        """The databases that are there."""
        return set(self.psql("template1", "SELECT datname FROM pg_database").splitlines())

    def dumped(self, name: str) -> bytes:
        """All that is in a database, as pg_dump sees it."""
        done = self._in("pg_dump", "-U", USER, "-d", name)
        assert done.returncode == 0, done.stderr.decode()
        lines = done.stdout.splitlines()
        return b"\n".join(line for line in lines if not line.startswith((b"\\restrict", b"\\unrestrict")))

    def about(self, name: str) -> dict[str, object]:
        """What a database is besides."""
        found = json.loads(
            self.psql(name, joined("databases/postgres/properties.sql")).removeprefix("properties ")
        )
        allows = f"SELECT datallowconn FROM pg_database WHERE datname = '{name}'"
        return {**found, "allows": self.psql("template1", allows)}

    def _in(self, *argv: str, stdin: str = "") -> subprocess.CompletedProcess[bytes]:
        words = ["docker", "exec", "-i", self.box, *argv]
        return subprocess.run(words, input=stdin.encode(), capture_output=True, check=False, timeout=120)


@dataclass(frozen=True)
class Store:
    """A container with a volume of objects, which looks like a Compose service of the project."""

    box: str

    def sh(self, text: str) -> str:
        """What a shell in it answers, in the volume."""
        return docker.run("exec", self.box, "sh", "-c", f"cd /data && {text}").strip()

    def tree(self) -> list[str]:
        """Every file and its text."""
        return self.sh('find . -type f | sort | while read -r f; do echo "$f $(cat "$f")"; done').splitlines()


@contextmanager
def storing(folder: Path) -> Iterator[Store]:
    """An object store of our own, removed at the end."""
    labels = (f"com.docker.compose.project={_project(folder)}", "com.docker.compose.service=minio", LABEL)
    words = [word for label in labels for word in ("--label", label)]
    forever = ["--volume", "/data", "--entrypoint", "sleep", IMAGE, "infinity"]
    box = docker.run("run", "--detach", *words, *forever).strip()
    try:
        yield Store(box)
    finally:
        docker.run("rm", "--force", "--volumes", box)


def _project(folder: Path) -> str:
    return f"{PREFIX}-zoo-{folder.name}"


@contextmanager
def serving(folder: Path, *options: str) -> Iterator[Server]:
    """A server of our own, removed at the end."""
    project = _project(folder)
    labels = (f"com.docker.compose.project={project}", "com.docker.compose.service=postgres", LABEL)
    words = [word for label in labels for word in ("--label", label)]
    env = ["-e", f"POSTGRES_USER={USER}", "-e", "POSTGRES_PASSWORD=zoo", "-e", "POSTGRES_DB=postgres"]
    run_ = ["run", "--detach", *words, *env, IMAGE, "-c", "fsync=off", "-c", "wal_level=logical", *options]
    box = docker.run(*run_).strip()
    try:
        ready = "for n in $(seq 300); do pg_isready -q -h 127.0.0.1 && exit; sleep 0.2; done; exit 1"
        docker.run("exec", box, "sh", "-c", ready)
        docker.run("exec", "-u", "postgres", box, "mkdir", "-p", "/var/lib/postgresql/big")
        yield Server(box, folder)
    finally:
        docker.run("rm", "--force", "--volumes", box)


def newer(dump: Path) -> None:
    """A plain dump as a pg_dump writes it that is newer than anything here."""
    head = b"SET statement_timeout = 0;\n"
    text = gzip.decompress(dump.read_bytes())
    assert head in text
    dump.write_bytes(gzip.compress(text.replace(head, head + b"SET a_timeout_of_tomorrow = 0;\n", 1)))


def again(folder: Path, backup: Manifest) -> Manifest:
    """The manifest of a backup whose files were written anew."""
    files = tuple(
        replace(file, size=len(data), sha256=hashlib.sha256(data).hexdigest())
        for file in backup.files
        for data in [(folder / file.name).read_bytes()]
    )
    return replace(backup, files=files)
