"""Services that could be called by way of the ingress, and of which the config says nothing yet."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import bash, minimal, path, program

from schedgen_ops.commands.compose import Service, parse_services
from schedgen_ops.commands.docker import Docker
from schedgen_ops.rollout import by_name
from schedgen_ops.rollout.by_name import Listener

BUILT = {"build": {"context": "."}}
DOCUMENT = {
    "services": {
        "front": {"image": "nginx", "ports": [{"target": 80, "published": "80", "protocol": "tcp"}]},
        "app": BUILT,
        "api": BUILT,
        "cache": {"image": "redis"},
    }
}
ALL: tuple[Service, ...] = parse_services(DOCUMENT, {})
LISTENS = (
    Listener("app", "172.18.0.7", False, (8000,)),
    Listener("api", "172.18.0.8", False, (9000,)),
    Listener("cache", "172.18.0.9", False, (6379,)),
)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, {"app", "api"}),
        ({"by_name": {"app": 8000}}, {"api"}),
        # Two that are called at one port are told apart by nothing.
        ({"by_name": {"app": 9000}}, set()),
        ({"stop_first": ["app"], "jobs": ["api"]}, set()),
    ],
)
def test_those_of_which_the_config_says_nothing_are_told(said: dict[str, object], expected: set[str]) -> None:
    assert {*by_name.further(ALL, ALL, minimal(rollout=said), LISTENS)} == expected


def test_a_port_that_another_host_publishes_is_taken_too() -> None:
    here = [each for each in ALL if each.name != "front"]
    listens = (Listener("app", "172.18.0.7", False, (80,)),)
    assert not by_name.further(ALL, here, minimal(), listens)


def test_only_what_answered_is_offered_as_what_it_speaks() -> None:
    found = by_name.further(ALL, ALL, minimal(), LISTENS)
    assert {*by_name.doors(found)} == {"172.18.0.7/8000", "172.18.0.8/9000"}
    assert by_name.answering(found, {"172.18.0.7/8000": "http"}) == {"app": 8000}
    spoken = {"172.18.0.7/8000": "tls", "172.18.0.8/9000": "nothing"}
    assert by_name.answering(found, spoken) == {"app": "8000/tcp"}


def test_a_host_tells_where_containers_listen_that_hold_nothing_and_do_not_stand_by(tmp_path: Path) -> None:
    net = tmp_path / "net"
    net.mkdir()
    rows = ("00000000:1F40 00000000:0000 0A", "0B00007F:9C40 00000000:0000 0A")
    (net / "tcp").write_text("".join(f"   0: {row} 0\n" for row in rows))
    (tmp_path / "idle" / "net").mkdir(parents=True)
    (tmp_path / "idle" / "net" / "tcp").touch()
    program(
        tmp_path / "bin",
        "docker",
        f"""case "$1" in
  ps) printf 'a1 shop-app-1\\nb2 shop-app-2-schedgen-standby\\nc3 shop-db-1\\nd4 shop-worker-1\\n' ;;
  inspect) shift 3
    for id; do case $id in
      a1) echo 'app shop_default ../{tmp_path} - 172.18.0.7' ;;
      b2) echo 'app shop_default ../{tmp_path} - 172.18.0.8' ;;
      d4) echo 'worker shop_default ../{tmp_path}/idle - 172.18.0.6' ;;
      c3) echo 'db shop_default ../{tmp_path} kept 172.18.0.9' ;;
    esac; done ;;
esac""",
    )
    answer = bash(by_name.command(Docker(), "shop"), tmp_path, PATH=path(tmp_path / "bin"))
    assert answer.ok, answer
    worker = Listener("worker", "172.18.0.6", False, ())
    assert by_name.parse(answer.lines()) == (Listener("app", "172.18.0.7", False, (8000,)), worker)
