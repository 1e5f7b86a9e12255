"""rclone on a host: what its script does, with programs in the place of rclone and docker."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from kit import bash, path, program

from schedgen_ops.commands import rclone
from schedgen_ops.commands.docker import Docker
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, Secret
from schedgen_ops.wire import single

REMOTE = rclone.RcloneRemote(
    "bucket/it's here", {"type": "s3", "endpoint": "http://a b"}, {"secret_access_key": Secret("k&y")}
)
LOCKED = replace(REMOTE, password=Secret("pass 'word"))
# A remote that is a folder beside; what it was told and in which environment is written down.
_FAKE = """
echo "$*" >> "$HOME/told"
env | grep ^RCLONE | sort > "$HOME/env"
case $1 in
  obscure) echo "hidden-$(cat)"; exit ;;
  lsf) case $* in *--max-depth*) exit "${PROBE:-0}" ;; esac; echo "5 database.sql.gz" ;;
  hashsum) echo "abc  database.sql.gz"; exit "${READ:-0}" ;;
  copy) echo '{"level":"error","msg":"no"}' >&2; exit "${COPY:-0}" ;;
  copyto) cp "${@: -2:1}" "$HOME/sealed" ;;
  cat) cat "$HOME/sealed" ;;
esac
"""
# The container sees the folder as /backup, and its environment is what came on stdin.
_DOCKER = """
echo "$*" > "$HOME/docker"
case $* in
  *" obscure -") echo "hidden-$(cat)" ;;
  *) cat > "$HOME/env" ;;
esac
"""


def run(command: Command, folder: Path, **env: str) -> Result:
    """As the host would: what is secret on stdin, and nothing of it in argv."""
    request = single(command, deadline=30, nonce="n")
    for _, secret in command.secrets:
        assert secret.reveal() not in request.line
    made = folder / "backups/b1"
    made.mkdir(parents=True, exist_ok=True)
    (made / "manifest.json").write_text("{}")
    whole = Command(request.line).with_stdin(request.stdin)
    return bash(whole, folder, **{"PATH": path(folder / "bin"), **env})


def lines(folder: Path, name: str) -> list[str]:
    return (folder / name).read_text().splitlines()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    program(tmp_path / "bin", "rclone", _FAKE)
    program(tmp_path / "bin", "docker", _DOCKER)
    return tmp_path


def copy(remote: rclone.RcloneRemote = REMOTE, *, again: bool = False) -> Command:
    return rclone.copy(Docker(), remote, "backups/b1", "app1/b1", again=again)


def test_options_and_secrets_reach_rclone_by_its_environment_alone(folder: Path) -> None:
    done = run(copy(), folder)
    assert done.code == 0, done.stderr
    assert lines(folder, "env") == [
        "RCLONE_CONFIG_OFFSITE_ENDPOINT=http://a b",
        "RCLONE_CONFIG_OFFSITE_SECRET_ACCESS_KEY=k&y",
        "RCLONE_CONFIG_OFFSITE_TYPE=s3",
    ]
    told = (folder / "told").read_text()
    assert "k&y" not in told
    assert f"{folder}/backups/b1 offsite:bucket/it's here/app1/b1" in told
    assert "--ignore-times" not in told


def test_what_is_there_is_read_back(folder: Path) -> None:
    told = run(copy(again=True), folder).stdout.splitlines()
    assert rclone.parse_copy(told) == {"database.sql.gz": (5, "abc")}
    assert told.index("checking") < told.index("size 5 database.sql.gz")
    assert "--ignore-times" in (folder / "told").read_text()


def test_an_encrypted_remote_lies_over_the_other_one(folder: Path) -> None:
    run(copy(LOCKED), folder)
    env = lines(folder, "env")
    assert "RCLONE_CONFIG_VAULT_REMOTE=offsite:bucket/it's here" in env
    assert "RCLONE_CONFIG_VAULT_PASSWORD=hidden-pass 'word" in env
    assert not [line for line in env if line.startswith(rclone.PASSWORD)]
    assert " vault:app1/b1" in (folder / "told").read_text()


def test_in_a_container_the_environment_comes_on_its_stdin(folder: Path) -> None:
    run(copy(replace(LOCKED, image="rclone/rclone:1")), folder)
    words = (folder / "docker").read_text()
    assert f"--volume {folder}/backups/b1:/backup:ro --entrypoint rclone rclone/rclone:1" in words
    assert "k&y" not in words
    assert "RCLONE_CONFIG_OFFSITE_SECRET_ACCESS_KEY=k&y" in lines(folder, "env")
    assert "RCLONE_CONFIG_VAULT_PASSWORD=hidden-pass 'word" in lines(folder, "env")


@pytest.mark.parametrize(
    ("env", "code", "copied"),
    [
        ({"PROBE": "3"}, 0, True),
        ({"PROBE": "1"}, 1, False),
        ({"COPY": "9"}, 9, True),
        ({"READ": "1"}, 0, True),
    ],
)
def test_what_fails_ends_it_but_for_what_only_cannot_be_read(
    folder: Path, env: dict[str, str], code: int, copied: bool
) -> None:
    done = run(copy(), folder, **env)
    assert done.code == code
    assert any(line.startswith("copy ") for line in lines(folder, "told")) == copied


def test_a_host_without_rclone_is_told(tmp_path: Path) -> None:
    (tmp_path / "few").mkdir()
    for name in ("bash", "timeout", "realpath"):
        (tmp_path / "few" / name).symlink_to(str(shutil.which(name)))
    done = run(copy(), tmp_path, PATH=str(tmp_path / "few"))
    assert done.code == 127
    assert "rclone is not installed on this host" in done.stderr


def test_the_manifest_is_compared_with_what_arrived(folder: Path) -> None:
    assert run(rclone.seal(Docker(), REMOTE, "backups/b1", "app1/b1"), folder).code == 0
    program(folder / "bin", "rclone", "echo altered")
    assert run(rclone.seal(Docker(), REMOTE, "backups/b1", "app1/b1"), folder).code != 0


def test_its_log_tells_progress_and_errors() -> None:
    stats = json.dumps({"level": "notice", "msg": "Transferred", "stats": {"bytes": 7, "totalBytes": 9}})
    error = json.dumps({"level": "error", "msg": "error listing: no\n"})
    assert rclone.parse_progress(stats) == 7
    assert rclone.parse_error(error) == "error listing: no"
    for line in ("", "{torn", "[1]", "checking", '{"stats": 3}', '{"stats": {"bytes": "x"}}', error):
        assert rclone.parse_progress(line) is None
    for line in ("", "{torn", "checking", stats):
        assert rclone.parse_error(line) == ""


def test_a_file_counts_once_both_size_and_sum_are_known() -> None:
    told = [
        "size 5 a",
        "size x b",
        "sha256 abc  a",
        "sha256 def  c",
        "size 6 with space",
        "sha256 1 with space",
    ]
    assert rclone.parse_copy(told) == {"a": (5, "abc"), "with space": (6, "1")}
