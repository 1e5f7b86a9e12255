"""Backups brought to this machine and copied elsewhere, with links, bytes and servers that fail."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import deploy_kit as kit
import offsite
import pytest
from box import Box, Ran
from deploy_kit import Operator

from schedgen_ops.backup.catalog.manifest import BackupId, BackupState, File, Manifest, to_json
from schedgen_ops.lab import docker
from schedgen_ops.lab.place import Place

MIB = 1024 * 1024
BIG = 160 * MIB
NAME = "manual-20250115_120000"


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure()


@dataclass(frozen=True, slots=True)
class Fetching:
    """A backup with one big file on the host, and where it goes."""

    op: Operator
    host: Box

    @property
    def folder(self) -> Path:
        return self.op.folder / "here" / self.host.name / NAME

    @property
    def part(self) -> Path:
        return self.folder / "objects.tar.gz.part"

    def start(self) -> kit.Running:
        return self.op.start("backup.fetch", NAME[:12], "--to", str(self.op.folder / "here"))

    def arrived(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def until(self, size: int) -> None:
        end = time.monotonic() + 60
        while self.arrived() < size and time.monotonic() < end:
            time.sleep(0.002)

    def is_right(self) -> bool:
        manifest = json.loads((self.folder / "manifest.json").read_text())
        (file,) = manifest["files"]
        data = (self.folder / file["name"]).read_bytes()
        return bool(hashlib.sha256(data).hexdigest() == file["sha256"] == self.digest())

    def digest(self) -> str:
        return self.host.sh(f"sha256sum < backups/{NAME}/objects.tar.gz").split()[0]


def _forge(host: Box) -> None:
    """A backup as we would make one, with a file that takes a while to bring here."""
    folder = f"backups/{NAME}"
    host.sh(f"umask 077; mkdir -p {folder}; head -c {BIG} /dev/urandom > {folder}/objects.tar.gz")
    digest = host.sh(f"sha256sum < {folder}/objects.tar.gz").split()[0]
    files = (File("objects.tar.gz", BIG, digest),)
    stamp = "2025-01-15T12:00:00Z"
    text = to_json(Manifest(BackupId(NAME), "", "a" * 40, BackupState.DONE, stamp, stamp, files, objects=1))
    host.sh(f"cat > {folder}/manifest.json <<'END'\n{text}\nEND")


def test_a_fetch_goes_on_where_it_broke_off_and_never_trusts_half_a_file(op: Operator, host: Box) -> None:
    _forge(host)
    fetching = Fetching(op, host)
    _killed_and_gone_on_with(fetching)
    _cut_and_gone_on_by_itself(fetching)
    _altered_on_the_host(fetching)


def _killed_and_gone_on_with(fetching: Fetching) -> None:
    running = fetching.start()
    fetching.until(20 * MIB)
    running.signal(signal.SIGKILL)
    running.wait()
    had = fetching.arrived()
    assert 20 * MIB <= had < BIG
    assert not (fetching.folder / "objects.tar.gz").exists()
    assert not (fetching.folder / "manifest.json").exists()
    assert fetching.part.stat().st_mode & 0o777 == 0o600
    ran = fetching.start().wait()
    assert ran.code == 0, ran.output
    assert fetching.is_right()
    first = next(line for line in fetching.op.newest("jsonl").splitlines() if '"progress"' in line)
    assert json.loads(first)["done"] > had
    assert {path.name: path.stat().st_mode & 0o777 for path in fetching.folder.iterdir()} == {
        "objects.tar.gz": 0o600,
        "manifest.json": 0o600,
    }
    assert fetching.folder.stat().st_mode & 0o777 == 0o700


def _cut_and_gone_on_by_itself(fetching: Fetching) -> None:
    (fetching.folder / "objects.tar.gz").unlink()
    running = fetching.start()
    fetching.until(20 * MIB)
    # It waits, so that there is something left to cut.
    running.signal(signal.SIGSTOP)
    docker.run("exec", "--user=root", fetching.host.host.container, "pkill", "-KILL", "-f", "sshd: deploy@")
    running.signal(signal.SIGCONT)
    ran = running.wait()
    assert ran.code == 0, ran.output
    assert "the connection was lost after" in ran.stdout
    assert fetching.is_right()


def _altered_on_the_host(fetching: Fetching) -> None:
    final = fetching.folder / "objects.tar.gz"
    whole = final.read_bytes()
    # A half file of ours that is wrong is fetched anew; the other way round there is nothing to be had.
    final.unlink()
    fetching.part.write_bytes(_other(whole[0]) + whole[1 : BIG // 2])
    ran = fetching.start().wait()
    assert ran.code == 0, ran.output
    assert "fetched again from the beginning" in ran.stdout
    assert final.read_bytes() == whole
    final.unlink()
    byte = f"\\\\x{_other(whole[BIG // 3]).hex()}"
    fetching.host.sh(f"printf {byte} | dd of=backups/{NAME}/objects.tar.gz bs=1 seek={BIG // 3} conv=notrunc")
    ran = fetching.start().wait()
    assert ran.code == 5, ran.output
    assert "objects.tar.gz is not what its manifest says" in ran.stderr
    assert {path.name for path in fetching.folder.iterdir()} <= {"manifest.json"}


def _other(byte: int) -> bytes:
    return bytes([byte ^ 1])


def _push(op: Operator, name: str = "manual", **env: str) -> Ran:
    return op("backup.push", name, env={**offsite.VARIABLES, **env})


def test_a_copy_is_encrypted_read_back_and_its_failure_recorded(op: Operator, host: Box) -> None:
    op.configure(backup={"offsite": offsite.section(password="LAB_S3_PASSWORD", with_deploy=True)})
    assert op("backup").code == 0
    (name,) = kit.backups(host)
    with offsite.s3(host) as server:
        ran = _push(op)
        assert ran.code == 0, ran.output
        folder = f"copies/{host.name}/{name}"
        assert f"{folder}/manifest.json.bin" in server.files()
        _readable_with_the_password_alone(server, host, folder, name)
        _altered_there_and_copied_again(op, server, folder)
        assert _offsite(op) == _manifest(host, name)["offsite"]["at"]
        _pushed_from_a_container(op, server)
        ran = _push(op, LAB_S3_SECRET="wrong")
        assert ran.code == 5, ran.output
        assert "The remote refuses the secret" in ran.stderr
        assert _offsite(op) == "FAILED"
        server.stop()
        _deploy_stops(op, host, name)
    assert _push(op, LAB_S3_PASSWORD="").code == 2
    _nothing_told(op, host)


def _offsite(op: Operator) -> str:
    (row,) = [row for row in op.document("backup.list")["result"] if row["backup"].startswith("manual")]
    return str(row["offsite"])


def _manifest(host: Box, name: str) -> dict[str, dict[str, str]]:
    return dict(json.loads(host.sh(f"cat backups/{name}/manifest.json")))


def _readable_with_the_password_alone(server: offsite.S3, host: Box, folder: str, name: str) -> None:
    stored = server.root(f"head -c 2000 /tmp/s3/bucket/{folder}/database.sql.gz.bin | base64 -w0")
    assert stored not in host.sh(f"base64 -w0 < backups/{name}/database.sql.gz")
    read = f"""
    export RCLONE_CONFIG_V_TYPE=crypt RCLONE_CONFIG_V_REMOTE=/tmp/s3/bucket/copies
    export RCLONE_CONFIG_V_FILENAME_ENCRYPTION=off RCLONE_CONFIG_V_DIRECTORY_NAME_ENCRYPTION=false
    export RCLONE_CONFIG_V_PASSWORD=$(rclone obscure "{offsite.PASSWORD}")
    for file in database.sql.gz manifest.json; do rclone cat "v:{host.name}/{name}/$file" | sha256sum; done
    """
    ours = host.sh(f"cd backups/{name}; for f in database.sql.gz manifest.json; do sha256sum < $f; done")
    assert server.root(read) == ours


def _altered_there_and_copied_again(op: Operator, server: offsite.S3, folder: str) -> None:
    file = f"/tmp/s3/bucket/{folder}/database.sql.gz.bin"
    damage = "X" * 64
    server.root(
        f"touch -r {file} /tmp/s3/then; printf {damage} | dd of={file} bs=1 seek=100000 conv=notrunc; "
        f"touch -r /tmp/s3/then {file}"
    )
    ran = _push(op)
    assert ran.code == 0, ran.output
    assert "copied again" in ran.stdout, ran.output
    assert server.root(f"head -c 100064 {file} | tail -c 64 | tr -d X | wc -c") != "0"


def _pushed_from_a_container(op: Operator, server: offsite.S3) -> None:
    config = {"password": "LAB_S3_PASSWORD", "with_deploy": True}
    image = "lab/rclone:test"
    server.root(f"tar -C / -c usr/local/bin/rclone | docker import - {image} >/dev/null")
    op.configure(backup={"offsite": offsite.section(**config, image=image, path="bucket/boxed")})
    ran = _push(op)
    assert ran.code == 0, ran.output
    assert any(name.startswith("boxed/") and name.endswith("manifest.json.bin") for name in server.files())
    assert server.root("docker ps -aq --filter ancestor=lab/rclone:test") == ""
    server.root(f"docker rmi {image} >/dev/null")
    op.configure(backup={"offsite": offsite.section(**config)})


def _deploy_stops(op: Operator, host: Box, name: str) -> None:
    commit, before = host.sh("git rev-parse HEAD"), kit.containers(host)
    ran = op("deploy", "--branch", "v1.2.3", env=offsite.VARIABLES)
    assert ran.code == 4, ran.output
    assert kit.in_order(ran.stderr, ("the copy to bucket/copies failed", "Pre-deployment backup", "refused"))
    assert "=== Step 3" not in ran.stdout
    assert kit.containers(host) == before
    kit.untouched(host, "1.2.2", commit)
    made = next(found for found in kit.backups(host) if found != name)
    assert "refused" in _manifest(host, made)["offsite"]["result"]


def _nothing_told(op: Operator, host: Box) -> None:
    """No log, journal, manifest or file of the host has a secret."""
    told = "".join(path.read_text() for path in op.state.iterdir() if path.is_file())
    there = host.sh(
        "cat backups/*/manifest.json; find ~ /tmp -type f -user deploy -exec cat {} + 2>/dev/null; true"
    )
    for secret in (offsite.SECRET, offsite.PASSWORD):
        assert secret not in told + there
    assert os.environ.get("LAB_S3_SECRET") is None
