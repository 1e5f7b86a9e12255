"""Backups brought back from a remote: by the real rclone, and what is compared and refused."""

from __future__ import annotations

import hashlib
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeHost, context, result
from kit import BACKUP, bash, settings
from test_backup_push import ENVIRON, RIGHT, offsite

from schedgen_ops.backup.catalog import manifest, remote_commands
from schedgen_ops.backup.catalog.manifest import File, Manifest
from schedgen_ops.backup.offsite import push
from schedgen_ops.backup.offsite.pull import Pull
from schedgen_ops.commands import rclone
from schedgen_ops.commands.docker import Docker
from schedgen_ops.errors import ConfigError, OpsError
from schedgen_ops.events import Event
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, Secret
from schedgen_ops.wire import single

DUMP = b"-- a dump\n" * 1000
LISTED = f"{BACKUP.id} {manifest.to_json(BACKUP)}\n"


def perform(command: Command, folder: Path) -> Result:
    """As the host would, with the real rclone."""
    if shutil.which("rclone") is None:
        pytest.fail("rclone is not installed: `make venv` installs it")
    request = single(command, deadline=60, nonce="n")
    return bash(Command(request.line).with_stdin(request.stdin), folder)


@pytest.fixture(params=[None, Secret("a 'pass' phrase")], ids=["clear", "encrypted"])
def remote(request: pytest.FixtureRequest, tmp_path: Path) -> rclone.RcloneRemote:
    """A folder as a remote."""
    return rclone.RcloneRemote(str(tmp_path / "remote"), {"type": "local"}, {}, request.param)


@pytest.fixture
def copied(remote: rclone.RcloneRemote, tmp_path: Path) -> Manifest:
    """A backup that was copied there, and is lost here."""
    made = replace(BACKUP, files=(File("database.sql", len(DUMP), hashlib.sha256(DUMP).hexdigest()),))
    folder = tmp_path / "backups" / made.id
    folder.mkdir(parents=True)
    (folder / "database.sql").write_bytes(DUMP)
    (folder / "manifest.json").write_text(manifest.to_json(made))
    for command in (rclone.copy, rclone.seal):
        done = perform(command(Docker(), remote, f"backups/{made.id}", f"app1/{made.id}"), tmp_path)
        assert done.ok, done.stderr
    shutil.rmtree(tmp_path / "backups")
    return made


def offered(remote: rclone.RcloneRemote, folder: Path, wanted: str, host: str = "app1") -> str:
    done = perform(rclone.offered(Docker(), remote, "backups", host, wanted), folder)
    assert done.ok, done.stderr
    return done.stdout


def pulled(remote: rclone.RcloneRemote, folder: Path, backup: Manifest, size: int, **more: bool) -> Result:
    command = rclone.pull(Docker(), remote, "backups", "app1", backup.id, size, **more)
    return perform(command, folder)


def test_what_was_copied_comes_back_as_it_was(
    remote: rclone.RcloneRemote, copied: Manifest, tmp_path: Path
) -> None:
    assert remote_commands.parse_catalog(offered(remote, tmp_path, copied.id[:9])).backups == (copied,)
    assert f"\ncopy {copied.id}\n" in offered(remote, tmp_path, "nothing")
    assert copied.id not in offered(remote, tmp_path, "", "app2")
    done = pulled(remote, tmp_path, copied, copied.size)
    assert done.ok, done.stderr
    (file,) = copied.files
    assert rclone.parse_copy(done.stdout.splitlines()) == {file.name: (file.size, file.sha256)}
    part = tmp_path / "backups" / f"{copied.id}.part"
    assert (part / file.name).read_bytes() == DUMP
    assert not (part / "manifest.json").exists()
    assert [stat.S_IMODE(path.stat().st_mode) for path in (part, part / file.name)] == [0o700, 0o600]


def test_what_came_wrong_is_copied_again(
    remote: rclone.RcloneRemote, copied: Manifest, tmp_path: Path
) -> None:
    pulled(remote, tmp_path, copied, copied.size)
    file = tmp_path / "backups" / f"{copied.id}.part" / "database.sql"
    was = file.stat()
    file.write_bytes(b"X" + DUMP[1:])
    os.utime(file, ns=(was.st_atime_ns, was.st_mtime_ns))
    assert pulled(remote, tmp_path, copied, copied.size).ok
    assert file.read_bytes() != DUMP
    assert pulled(remote, tmp_path, copied, copied.size, again=True).ok
    assert file.read_bytes() == DUMP


def test_without_room_nothing_is_fetched(
    remote: rclone.RcloneRemote, copied: Manifest, tmp_path: Path
) -> None:
    done = pulled(remote, tmp_path, copied, 1 << 60)
    assert (done.code, "no room for it" in done.stderr) == (1, True)
    assert not list((tmp_path / "backups" / f"{copied.id}.part").iterdir())


class Pulling:
    """A pull on a host that answers like this."""

    def __init__(self, copied: Any = RIGHT, there: str = "", remote: Any = LISTED) -> None:
        answers = {
            "look at the copies on the remote": remote,
            "copy from the remote": copied,
            "list backups": there,
            "finish the backup": "",
            "put .env back": "put\n",
        }
        self.host = FakeHost(answers=answers)
        self.events: list[Event] = []
        config, section = offsite()
        self.pull = Pull(
            context(self.host, config, emit=self.events.append), section, push.credentials(section, ENVIRON)
        )

    def asked(self, title: str) -> int:
        return sum(command.title == title for command in self.host.commands)


def test_what_is_the_same_as_its_manifest_becomes_a_backup() -> None:
    pulling = Pulling()
    pulling.pull(pulling.pull.offered(BACKUP.id[:6]))
    (finish,) = (command for command in pulling.host.commands if command.title == "finish the backup")
    assert manifest.from_json(str(finish.stdin)) == BACKUP
    assert dict(finish.values)["folder"] == f"backups/{BACKUP.id}"


def test_what_is_here_already_is_not_fetched() -> None:
    pulling = Pulling(there=LISTED)
    pulling.pull(BACKUP)
    assert (pulling.asked("copy from the remote"), pulling.asked("finish the backup")) == (0, 0)


def test_what_stays_wrong_never_becomes_a_backup() -> None:
    wrong = RIGHT.replace("size 10", "size 11")
    pulling = Pulling([wrong, RIGHT])
    pulling.pull(BACKUP)
    assert pulling.asked("copy from the remote") == 2
    pulling = Pulling([wrong, wrong])
    with pytest.raises(OpsError, match="is not the backup"):
        pulling.pull(BACKUP)
    assert pulling.asked("finish the backup") == 0


@pytest.mark.parametrize(
    ("remote", "kind", "text"),
    [
        ("", ConfigError, "there is no copy 'manual' of app1 at bucket/copies/"),
        (f"{BACKUP.id} {{torn\n", OpsError, "manifest"),
        (
            result(stderr="dial tcp: lookup s3: no such host", code=1),
            OpsError,
            "could not be asked for copies",
        ),
    ],
)
def test_a_remote_that_has_none_or_does_not_answer_is_told(
    remote: Any, kind: type[OpsError], text: str
) -> None:
    with pytest.raises(kind) as caught:
        Pulling(remote=remote).pull.offered("manual")
    assert text in caught.value.message


def test_an_id_that_the_remote_does_not_have_is_answered_with_those_that_it_has() -> None:
    names = [f"manual-202501{day:02}_120000" for day in range(1, 13)]
    said = "".join(f"copy {name}\n" for name in [*names, "\x1b[31m", "notes"])
    with pytest.raises(ConfigError) as caught:
        Pulling(remote=result(said)).pull.offered("nope")
    assert caught.value.hint == f"There are: {', '.join(reversed(names[2:]))} and 2 older ones."


@pytest.mark.parametrize(("with_env", "asked"), [(True, 1), (False, 0)])
def test_the_env_file_comes_with_it_where_the_backup_has_one(with_env: bool, asked: int) -> None:
    files = (*BACKUP.files, File("config.env", 5, "0" * 64)) if with_env else BACKUP.files
    pulling = Pulling(RIGHT + f"size 5 config.env\nsha256 {'0' * 64}  config.env\n")
    pulling.pull(replace(BACKUP, files=files))
    assert pulling.asked("put .env back") == asked


@pytest.fixture
def put(tmp_path: Path) -> Callable[[], str]:
    """The script that puts an env file in place, in a project."""
    host = FakeHost(answers={"list backups": LISTED, "put .env back": ""})
    section = offsite()[1]
    config = settings(directory=str(tmp_path))
    pull = Pull(context(host, config), section, push.credentials(section, ENVIRON))
    pull(replace(BACKUP, files=(File("config.env", 5, "0" * 64),)))
    (command,) = (command for command in host.commands if command.title == "put .env back")
    kept = tmp_path / "backups" / BACKUP.id / "config.env"
    kept.parent.mkdir(parents=True)
    kept.write_text("A=1\n")
    return lambda: bash(command, tmp_path).stdout


def test_an_env_file_that_is_there_stays(put: Callable[[], str], tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=2\n")
    assert (put(), (tmp_path / ".env").read_text()) == ("", "A=2\n")


def test_one_that_is_missing_is_put_in_place_for_its_owner(put: Callable[[], str], tmp_path: Path) -> None:
    assert (put(), (tmp_path / ".env").read_text()) == ("put\n", "A=1\n")
    assert stat.S_IMODE((tmp_path / ".env").stat().st_mode) == 0o600
