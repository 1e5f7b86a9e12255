"""A drill and a restore that are ended in the middle, while Docker cannot be: that of root, by sudo."""

from __future__ import annotations

import gzip
import os
import signal
import subprocess
import time
from dataclasses import replace
from pathlib import Path

import pytest
from kit import BACKUP, DATABASE, OBJECTS, path, program

from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.backup.restore import drill_scripts, scripts
from schedgen_ops.commands.docker import Docker
from schedgen_ops.shell import Command

MADE = replace(BACKUP, files=(BACKUP.files[0],))
# The dump is loaded for as long as what it is loaded into is there.
ENGINE = r"""
load() {
  trap '' TERM
  : > begun
  until [ -e gone ]; do sleep 0.05; done
}
case $*$(case $1 in exec) case $* in *pg_isready* | *PGOPTIONS*) ;; *) cat ;; esac ;; esac) in
  info*) echo /nowhere ;;
  create*) echo ours ;;
  rm*ours | *'DROP DATABASE :"each"'*) : > gone ;;
  *'FROM pg_database WHERE'*) echo 0 ;;
  *PGOPTIONS*) load ;;
esac
"""
DRILL = drill_scripts.drill(".", MADE, Docker(), "image", DATABASE, (), 0, "/srv/shop")
BESIDE = scripts.beside(
    DataLocation(Docker(), "db", "", "", "20250115_120000", DATABASE, OBJECTS), ".", MADE, (), 0
)


@pytest.mark.parametrize("command", [DRILL, BESIDE])
def test_who_is_ended_while_a_dump_is_loaded_removes_what_it_made_at_once(
    tmp_path: Path, command: Command
) -> None:
    (tmp_path / "database.sql.gz").write_bytes(gzip.compress(b"SELECT 1;\n"))
    programs = program(tmp_path / "bin", "docker", ENGINE).parent
    environment = {**os.environ, "PATH": path(programs), "LC_ALL": "C.UTF-8", "TMPDIR": str(tmp_path)}
    with subprocess.Popen(
        ["bash", "--norc", "-o", "pipefail", "-c", f"exec {command.text}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env=environment,
    ) as process:
        assert process.stdin
        process.stdin.write(str(command.stdin))
        process.stdin.close()
        while not (tmp_path / "begun").exists():
            assert process.poll() is None, process.stderr and process.stderr.read()
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        try:
            assert process.wait(30) == 130
            assert (tmp_path / "gone").exists()
        finally:
            (tmp_path / "gone").touch()
            process.wait()
