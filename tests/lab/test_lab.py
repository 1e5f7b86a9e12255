"""The lab itself: what a host of it is, that it can be put back, and that it survives being switched off."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import beside
import lanes
import pytest
from box import ROOT, Box, Inv

from schedgen_ops.lab import docker, hosts, keys, manager
from schedgen_ops.lab.demo import steps_of
from schedgen_ops.lab.load import Sample, judge, traffic
from schedgen_ops.lab.place import LabError, LabHost, Place, locked
from schedgen_ops.lab.progress import Silent
from schedgen_ops.lab.report import parse_memory, parse_report

SERVICES = {"postgres", "redis", "minio", "backend", "frontend", "pdf-worker", "prometheus", "grafana"}
DEPLOY_BY_HAND = """
git checkout -q v1.2.3
docker compose build -q >/dev/null 2>&1
docker compose run --rm --no-deps backend npm run migration:run >/dev/null 2>&1
docker compose up -d --wait >/dev/null 2>&1
docker tag schedgen-backend schedgen-backend:r-1
mkdir -p .schedgen/lock backups/one && touch junk backups/one/dump
"""
MESS = """
docker run -d --name stray lab/node:22 sleep 600
docker volume create stray && docker network create stray
docker compose exec -T postgres createdb -U schedgen stray
docker compose exec -T postgres psql -U schedgen -qc 'DELETE FROM jobs WHERE attempts = 1'
docker compose exec -T minio sh -c 'rm /data/schedules/done/seed-0001.pdf; echo stray > /data/schedules/stray'
docker compose stop redis && docker compose pause pdf-worker
git branch stray && echo POSTGRES_PASSWORD=lost > .env
"""


def test_a_host_is_a_production_on_the_first_release(
    host: Box, status: Callable[[], dict[str, dict[str, Any]]]
) -> None:
    seen = status()[host.name]
    assert (seen["version"], seen["healthy"], seen["containers"]) == ("1.2.2", 8, 8)
    assert 50 < seen["memory_mib"] < 1024
    assert set(host.sh("docker compose ps --services").split()) == SERVICES
    assert host.count("jobs") == 200_000
    assert int(host.sh("docker compose exec -T minio find /data -name 'seed-*.pdf' | wc -l")) == 2_000
    assert host.sh("stat -c '%a %U' .env") == "600 deploy"
    assert host.sh("git describe --tags && git status --porcelain") == "v1.2.2"
    assert "v1.2.4" in host.sh("git fetch --tags origin && git tag")
    assert "<html" in host.get("/", port=3000)


def test_only_the_labs_key_opens_the_door(host: Box, place: Place, tmp_path: Path) -> None:
    stranger = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", stranger], check=True)
    own, other = (_ssh(host, place, key) for key in (place.key, stranger))
    assert (own.returncode, own.stdout.strip()) == (0, "deploy")
    assert other.returncode == 255
    assert "Permission denied (publickey)" in other.stderr


def test_reset_undoes_a_deploy_and_keeps_the_host(host: Box, inv: Inv) -> None:
    host.sh(DEPLOY_BY_HAND)
    assert host.version() == "1.2.3"
    born = host.sh("cat /proc/1/stat | cut -d' ' -f22")
    assert inv("lab.reset").code == 0
    assert host.sh("cat /proc/1/stat | cut -d' ' -f22") == born
    _assert_golden(host)


def test_reset_undoes_a_mess(host: Box, inv: Inv) -> None:
    host.sh(MESS)
    ran = inv("lab.reset")
    assert (ran.code, "anew" in ran.output) == (0, False)
    _assert_golden(host)


def test_a_container_beside_the_applications_keeps_no_lab_from_coming_up(host: Box, inv: Inv) -> None:
    label = "com.docker.compose.project=schedgen"
    host.sh(f"docker run -d --name beside --label {label} --network schedgen_default lab/node:22 sleep 600")
    started = time.monotonic()
    assert inv("lab.up").code == 0
    assert time.monotonic() - started < 60
    assert host.sh("docker ps -q --filter name=beside") != ""


def test_reset_makes_a_host_anew_that_cannot_be_put_back(host: Box, inv: Inv) -> None:
    host.sh("docker compose exec -T postgres dropdb -U schedgen -f schedgen_golden")
    ran = inv("lab.reset")
    assert (ran.code, "anew" in ran.output) == (0, True)
    _assert_golden(host)


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_a_host_comes_back_after_it_was_switched_off(host: Box, place: Place, how: str) -> None:
    docker.run(how, host.host.container)
    with locked(place):
        hosts.boot(place, host.host, docker.labels("container", host.host.container)[hosts.CONTENT], print)
    assert host.version() == "1.2.2"
    assert host.count("jobs") == 200_000
    assert _ssh(host, place, place.key).returncode == 0


def test_two_commands_at_once_do_not_harm_each_other(host: Box) -> None:
    commands = [subprocess.Popen([sys.executable, "-m", "invoke", "lab.up"], cwd=ROOT) for _ in range(2)]
    assert [command.wait(120) for command in commands] == [0, 0]
    assert host.version() == "1.2.2"


def test_a_host_boots_from_what_is_cached_within_40_seconds(lab: Place) -> None:
    extra = Box(LabHost(8))
    try:
        # The better of two: what else this machine does at the time is not the lab's.
        assert any(_boot_seconds(lab, extra.host) < 40 for _ in range(2))
        assert extra.version() == "1.2.2"
    finally:
        with locked(lab):
            hosts.remove(extra.host)
            keys.ensure(lab, hosts.existing())


def test_resetting_a_host_that_is_not_there_says_how_to_boot_it(lab: Place) -> None:
    with pytest.raises(LabError, match=r"Not in the lab: .*app60") as caught:
        manager.reset(lab, 60, Silent())
    assert caught.value.hint == "inv lab.up --hosts 60"


def test_an_engine_elsewhere_is_not_replaced_by_one_started_here(inv: Inv, tmp_path: Path) -> None:
    away = {"DOCKER_HOST": f"unix://{tmp_path}/none.sock", "SCHEDGEN_LAB_DIR": str(tmp_path / "lab")}
    ran = inv("lab.up", env=away)
    assert ran.code != 0
    assert f"No Docker Engine answers at unix://{tmp_path}/none.sock" in ran.stderr
    assert not (tmp_path / "lab" / "dockerd.pid").exists()


def test_two_hosts_share_an_origin_and_nothing_else(two_hosts: tuple[Box, ...]) -> None:
    first, second = two_hosts
    first.sh("docker compose exec -T postgres psql -U schedgen -qc 'DELETE FROM jobs WHERE attempts = 1'")
    assert (first.count("jobs"), second.count("jobs")) == (0, 200_000)
    assert first.sh("git ls-remote origin") == second.sh("git ls-remote origin")
    assert first.address != second.address


def test_no_lab_has_zero_hosts(tmp_path: Path) -> None:
    with pytest.raises(LabError, match="from 1 to 64"):
        manager.up(Place(tmp_path), 0, Silent())


def test_a_busy_lab_says_so_to_those_who_do_not_wait(tmp_path: Path) -> None:
    place = Place(tmp_path)
    with locked(place), pytest.raises(LabError, match="Another command"), locked(place, wait=False):
        pytest.fail("two commands hold the lock")
    with locked(place, wait=False):
        assert place.lock.exists()


def test_labs_beside_one_another_share_nothing() -> None:
    assert beside.lab_beside({}, 1) == {
        "SCHEDGEN_LAB_NAME": "1-beside",
        "SCHEDGEN_LAB_NET": "127.0.100",
        "SCHEDGEN_LAB_DIR": f"{ROOT}/.lab-beside",
    }
    own = {"SCHEDGEN_LAB_NAME": "ci", "SCHEDGEN_LAB_NET": "127.0.1", "SCHEDGEN_LAB_DIR": "/tmp/ci"}
    every = [own, *(beside.lab_beside(of, number) for of in ({}, own) for number in (1, 2))]
    assert len({value for each in every for value in each.values()}) == 3 * len(every)


def test_each_process_has_files_of_its_own_and_takes_others_where_there_is_time() -> None:
    long, short, swarm, light = (
        f"tests/lab/test_{name}.py" for name in ("guard", "verify", "swarm_page", "tunnel")
    )
    files = (long, swarm, light, short)
    assert [lanes.choose(f"gw{n}", files) for n in range(3)] == [long, swarm, light]
    assert [lanes.choose(f"gw{n}", (long, swarm, short)) for n in range(3)] == [long, swarm, short]
    assert [lanes.choose(f"gw{n}", (long, short)) for n in range(3)] == [long, long, None]
    assert [lanes.choose(f"gw{n}", (light,)) for n in range(3)] == [light] * 3
    assert [lanes.choose(f"gw{n}", (swarm,)) for n in range(3)] == [swarm, swarm, None]


def test_visitors_notice_an_outage() -> None:
    answers = (True, True, False, False, True)
    samples = tuple(Sample(at, at + 0.25, good) for at, good in enumerate(answers))
    seen = judge("http://site/", samples)
    assert (seen.requests, seen.failures, seen.slowest, seen.longest_gap) == (5, 2, 0.25, 3.0)
    assert judge("http://site/", ()).longest_gap == 0


def test_visitors_of_a_closed_port_are_all_disappointed() -> None:
    with traffic("http://127.0.0.1:9/") as experiences:
        time.sleep(0.5)
        (seen,) = experiences()
    assert seen.requests == seen.failures > 0


def test_the_demo_tells_each_step_that_ended() -> None:
    events: tuple[dict[str, Any], ...] = (
        {"event": "step.started", "number": "1", "title": "Pulling latest code"},
        {"event": "step.finished", "number": "1", "title": "Pulling latest code", "seconds": 1.5},
        {"event": "step.failed", "number": "", "title": "Releasing the lock", "seconds": 2},
    )
    assert steps_of(events) == (("Step 1: Pulling latest code", 1.5), ("Releasing the lock", 2.0))


@pytest.mark.parametrize(
    ("shown", "mib"),
    [("512.3MiB / 23.5GiB", 512), ("1.5GiB / 2GiB", 1536), ("0B / 0B", 0), ("640KiB / 1GiB", 1)],
)
def test_memory_is_read_as_docker_shows_it(shown: str, mib: int) -> None:
    assert parse_memory(shown) == mib


def test_a_report_names_what_is_not_healthy() -> None:
    text = '{"status":"ok","version":"1.2.2"}\nredis running Up 2 s (healthy)\nbackend exited Exited (1)\n'
    assert parse_report(text) == ("1.2.2", (("backend", "exited"), ("redis", "healthy")))
    assert parse_report("\n") == ("", ())


def _boot_seconds(place: Place, host: LabHost) -> float:
    content = docker.labels("container", LabHost(1).container)[hosts.CONTENT]
    with locked(place):
        keys.ensure(place, (*hosts.existing(), host))
        started = time.monotonic()
        hosts.rebuild(place, host, content, print)
        return time.monotonic() - started


def _ssh(host: Box, place: Place, key: Path) -> subprocess.CompletedProcess[str]:
    options = ("BatchMode=yes", "IdentitiesOnly=yes", "IdentityAgent=none", "StrictHostKeyChecking=yes")
    argv = [
        "ssh",
        "-F",
        "none",
        "-p",
        str(place.ssh_port),
        "-i",
        str(key),
        f"-oUserKnownHostsFile={place.known_hosts}",
    ]
    argv += [f"-o{option}" for option in options]
    return subprocess.run(
        [*argv, f"deploy@{host.address}", "whoami"], capture_output=True, text=True, timeout=30, check=False
    )


def _assert_golden(host: Box) -> None:
    """What a test that starts from golden relies on, looked at past the script that put it back."""
    assert host.version() == "1.2.2"
    assert host.count("jobs") == 200_000
    assert host.sh("git status --porcelain --ignored; git branch --list stray") == "!! .env"
    assert host.sh("ls -A .schedgen backups 2>/dev/null || true") == ""
    assert host.sh("docker images -q schedgen-backend:r-1; docker ps -aq --filter name=stray") == ""
    assert host.sh("docker volume ls -q --filter name=stray; docker network ls -q --filter name=stray") == ""
    assert host.sh("docker compose exec -T postgres psql -U schedgen -ltA | grep -c '^stray' || true") == "0"
    assert int(host.sh("docker compose exec -T minio find /data -type f | wc -l")) == 2_000
    assert host.sh("docker compose ps --format '{{.Health}}' | sort | uniq -c | xargs") == "8 healthy"
