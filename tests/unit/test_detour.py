"""What leads new connections past a hand-over of the ports, run with a packet filter that is a file."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kit import path, program

SCRIPT = Path(__file__).parents[2] / "schedgen_ops/host_scripts/rollout/detour.sh"
CHAIN = "SCHEDGEN-1"
DOCKERS = (
    "-N DOCKER",
    "-A DOCKER -i br-1 -j RETURN",
    "-A DOCKER -d 127.0.0.1/32 ! -i br-1 -p tcp -m tcp --dport 32768 -j DNAT --to-destination 172.18.0.9:80",
    "-A DOCKER ! -i br-1 -p tcp -m tcp --dport 3276 -j DNAT --to-destination 172.18.0.4:3276",
)
# Rules are lines; -I puts one first, and a chain is made, and removed, once.
FILTER = r"""
file=$FAKE/${0##*/}; [ "$1 $2 $3 $4" = "-w 10 -t nat" ] || exit 9
shift 4; act=$1; shift
[ ! -e "$FAKE/refuses$act" ] || { echo "$act: Permission denied" >&2; exit 4; }
case $act in
  -N) ! grep -qx -e "-N $1" "$file" || exit 1; echo "-N $1" >> "$file" ;;
  -S) grep -e "^-. $1\b" "$file" ;;
  -A) echo "-A $*" >> "$file" ;;
  -I) from=$1; shift 2; sed -i "1i -A $from $*" "$file" ;;
  -D) grep -qxF -e "-A $*" "$file" && sed -i "/^-A $1 .*-j ${*: -1}\$/d" "$file" ;;
  -F) grep -q -e "-N $1" "$file" && sed -i "/^-A $1 /d" "$file" ;;
  -X) grep -q -e "-N $1" "$file" && sed -i "/^-N $1\$/d" "$file" ;;
esac"""


@pytest.fixture
def host(tmp_path: Path) -> Path:
    for name in ("iptables", "ip6tables"):
        program(tmp_path / "bin", name, FILTER)
        (tmp_path / name).write_text("\n".join(("-A PREROUTING -j DOCKER", *DOCKERS)) + "\n")
    return tmp_path


def words(host: Path, limit: int, *ports: str) -> dict[str, object]:
    env = {"PATH": path(host / "bin"), "FAKE": str(host)}
    argv = [shutil.which("sh") or "sh", str(SCRIPT), str(limit), CHAIN, *" ".join(ports).split()]
    return {"args": argv, "env": env, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}


@contextmanager
def detour(host: Path, *ports: str, limit: int = 60) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The first line that it says."""
    process: subprocess.Popen[str] = subprocess.Popen(**words(host, limit, *ports))  # type: ignore[call-overload]
    with process:
        try:
            assert process.stdout
            yield process.stdout.readline().strip(), process
        finally:
            process.send_signal(signal.SIGTERM)


def ours(host: Path, name: str = "iptables") -> list[str]:
    return [line for line in (host / name).read_text().splitlines() if CHAIN in line]


def test_new_connections_go_where_docker_leads_a_free_port_from_far_and_near(host: Path) -> None:
    before = (host / "iptables").read_text()
    with detour(host, "4 - 3000 32768") as (said, _):
        assert said == "open"
        assert ours(host) == [
            f"-A OUTPUT -m addrtype --dst-type LOCAL -j {CHAIN}",
            f"-A PREROUTING -m addrtype --dst-type LOCAL -j {CHAIN}",
            f"-N {CHAIN}",
            f"-A {CHAIN} -d 127.0.0.0/8 -p tcp --dport 3000 -j DNAT --to-destination 127.0.0.1:32768",
            f"-A {CHAIN} ! -i br-1 -p tcp --dport 3000 -j DNAT --to-destination 172.18.0.9:80",
        ]
        assert not ours(host, "ip6tables")
    assert (host / "iptables").read_text() == before


@pytest.mark.parametrize(
    ("port", "wanted"),
    [
        ("4 127.0.0.1", ["-d 127.0.0.0/8 -p tcp --dport 80 -j DNAT --to-destination 127.0.0.1:32768"]),
        ("4 10.0.0.5", ["-d 10.0.0.5 ! -i br-1 -p tcp --dport 80 -j DNAT --to-destination 172.18.0.9:80"]),
        ("6 ::1", ["-d ::1/128 -p tcp --dport 80 -j DNAT --to-destination [::1]:32768"]),
    ],
)
def test_a_port_of_one_address_is_led_for_that_alone(host: Path, port: str, wanted: list[str]) -> None:
    with detour(host, f"{port} 80 32768"):
        found = ours(host, "iptables" if port[0] == "4" else "ip6tables")
        assert [
            line.removeprefix(f"-A {CHAIN} ") for line in found if line.startswith(f"-A {CHAIN}")
        ] == wanted


def test_without_a_rule_of_dockers_nothing_is_led_from_far(host: Path) -> None:
    before = (host / "iptables").read_text()
    with detour(host, "4 - 3000 32768", "4 - 3001 9") as (said, process):
        assert (said, process.wait()) == ("Docker sets no rules there", 1)
    assert (host / "iptables").read_text() == before
    # Docker has none for IPv6 where its networks have none: its own program listens then.
    with detour(host, "6 - 3000 9") as (said, _):
        assert said == "open"


@pytest.mark.parametrize("act", ["-N", "-A", "-I"])
def test_a_filter_that_refuses_says_so_and_nothing_stays(host: Path, act: str) -> None:
    before = (host / "iptables").read_text()
    (host / f"refuses{act}").touch()
    with detour(host, "4 - 3000 32768") as (said, process):
        assert (said, process.wait()) == (f"{act}: Permission denied", 1)
    assert (host / "iptables").read_text() == before


def test_it_ends_by_itself_and_takes_away_what_one_that_was_killed_has_left(host: Path) -> None:
    before = (host / "iptables").read_text()
    with detour(host, "4 - 3000 32768", limit=1) as (_, process):
        assert process.wait() == 0
    assert (host / "iptables").read_text() == before
    with detour(host, "4 - 3000 32768", "6 ::1 3000 32768", limit=3) as (_, process):
        process.kill()
    assert ours(host)
    subprocess.run(**words(host, 0), check=True, timeout=20)  # type: ignore[call-overload]
    assert (host / "iptables").read_text() == before
    assert not ours(host, "ip6tables")
