"""Containers that keep their addresses while they get other names: what is below those is taken meanwhile."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import bash, path, program

from schedgen_ops.host_scripts import library
from schedgen_ops.shell import Command

_DOCKER = """
echo "$*" >> log
case "$1 $2" in
  'network inspect') cat "net-${*: -1}" ;;
  'run --detach') [ ! -e full ] || exit 1; number=$(grep -c '^run' log); echo "filler$number" ;;
esac
"""


def asked(folder: Path, script: str) -> tuple[str, list[str]]:
    """What a script prints that has the library, and which containers it had made on the way."""
    program(folder / "bin", "docker", _DOCKER)
    text = f"docker=(docker) state=.\n{library('reach')}\n{script}"
    answer = bash(Command(text, title="reach"), folder, PATH=path(folder / "bin"))
    log = (folder / "log").read_text().splitlines() if (folder / "log").exists() else []
    return answer.text, [line for line in log if line.startswith("run ")]


@pytest.mark.parametrize(
    ("network", "address", "free"),
    [
        ("172.18.0.0/16 172.18.0.1 172.18.0.2/16 172.18.0.3/16", "172.18.0.4", "0"),
        ("172.18.0.0/16 172.18.0.1 172.18.0.3/16 172.18.0.5/16", "172.18.0.5", "2"),
        # Not taken by one whose number begins alike.
        ("172.18.0.0/16 172.18.0.1 172.18.0.20/16", "172.18.0.3", "1"),
        ("10.5.1.0/24 - 10.5.1.1/24", "10.5.1.2", "0"),
        ("172.18.0.0/16 172.18.0.1", "172.18.1.2", "16"),
        ("fd00::/64 fd00::1", "fd00::5", ""),
        ("", "172.18.0.5", ""),
    ],
)
def test_what_is_free_below_an_address_is_counted(
    tmp_path: Path, network: str, address: str, free: str
) -> None:
    (tmp_path / "net-one").write_text(f"{network}\n")
    assert asked(tmp_path, f"free_below one {address}")[0] == free


def test_so_many_are_taken_below_the_last_of_each_network(tmp_path: Path) -> None:
    (tmp_path / "net-one").write_text("172.18.0.0/16 172.18.0.1 172.18.0.4/16\n")
    (tmp_path / "net-two").write_text("172.19.0.0/16 172.19.0.1\n")
    rows = "'a one 172.18.0.5 web' 'b one 172.18.0.4 api' 'a two 172.19.0.2 web' 'c three -'"
    said, made = asked(tmp_path, f'fill_below sha256:x {rows}; echo "${{#fillers[@]}}"')
    assert said == "2"
    how = "--network one --label com.docker.compose.project= --entrypoint sleep"
    assert all(how in line for line in made)


def test_where_nothing_can_be_made_it_goes_on_without(tmp_path: Path) -> None:
    (tmp_path / "net-one").write_text("172.18.0.0/16 172.18.0.1\n")
    (tmp_path / "full").touch()
    said, _ = asked(tmp_path, "fill_below sha256:x 'a one 172.18.0.3 web'; echo \"${#fillers[@]}\"")
    assert said == "0"
