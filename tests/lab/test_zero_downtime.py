"""Nobody's request fails while releases come and go: measured under load, on a host of the lab."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import deploy_kit as kit
import pytest
from box import ROOT, AsLeft, Box, Inv, Ran
from load import failed, load

from schedgen_ops.lab.place import Place

SAMPLE = ROOT / "schedgen_ops/lab/app/samples/schedule.pdf"


@pytest.fixture
def environ(place: Place, tmp_path: Path) -> Mapping[str, str]:
    """The lab's environment with a shorter wait at the end, and logs of its own."""
    folder = tmp_path / "config"
    folder.mkdir()
    text = (ROOT / "config/lab.yaml").read_text().replace("../.lab/", f"{place.root}/")
    # Visitors ask often enough; a run's own prober would take half a processor besides.
    text += "\nprobe: {pause: 0.5}\n"
    (folder / "lab.yaml").write_text(text + "health: {deadline: 60, settle: 1}\n")
    (folder / "slow.yaml").write_text(text + "health: {deadline: 120, settle: 60}\n")
    return {"SCHEDGEN_CONFIG": str(folder), "SCHEDGEN_STATE": str(tmp_path / "state")}


@pytest.fixture
def run(inv: Inv, environ: Mapping[str, str]) -> Inv:
    """`inv` on host 1 of the lab."""

    def on_host_1(*arguments: str, env: str = "lab") -> Ran:
        return inv(*arguments, "--env", env, "--hosts", "app1", env=environ)

    return on_host_1


@pytest.fixture
def behind_ingress(host: Box, run: Inv) -> Box:
    """Host 1 on v1.2.3, its ports taken over by the ingress."""
    taken_over(host, run)
    return host


@pytest.fixture
def still_behind(as_left: AsLeft, run: Inv) -> Box:
    """Host 1 behind the ingress, on the release that the test before left it on; else on v1.2.3."""
    if as_left.fresh:
        taken_over(as_left.box, run)
    return as_left.box


def taken_over(host: Box, run: Inv) -> None:
    """The first deploy on a host, which takes the ports over."""
    first = run("deploy", "--branch", "v1.2.3")
    assert first.code == 0, first.output
    assert "The ingress has the ports now; new connections were led past that" in first.stdout
    # Ours come by the host's loopback.
    assert "None of our own" in first.stdout
    assert host.version() == "1.2.3"


def containers(host: Box) -> int:
    """How many containers the project has."""
    return int(host.sh("docker ps -aq --filter label=com.docker.compose.project=schedgen | wc -l"))


def test_broken_releases_take_themselves_back_and_fail_no_request(still_behind: Box, run: Inv) -> None:
    host = still_behind
    for branch, reason in (("broken-health", "is unhealthy"), ("broken-crash", "exit code 1")):
        with load(host) as ended:
            broken = run("deploy", "--branch", branch, env="slow")
            seen = ended()
        assert broken.code == 4, broken.output
        assert reason in broken.stderr
        assert not failed(seen)
        assert host.version() == "1.2.3"
        assert containers(host) == 9


def test_a_deploy_a_rollback_and_a_killed_deploy_fail_no_request(
    still_behind: Box, run: Inv, environ: Mapping[str, str]
) -> None:
    host = still_behind
    assert host.version() == "1.2.3"
    with load(host) as ended:
        good = run("deploy", "--branch", "v1.2.4")
        assert good.code == 0, good.output
        assert host.version() == "1.2.4"
        back = run("rollback", "--yes")
        assert back.code == 0, back.output
        assert host.version() == "1.2.3"
        kill_while_rolling(environ, "v1.2.4")
        assert host.version() in ("1.2.3", "1.2.4")
        recovered = run("deploy.recover")
        assert recovered.code == 0, recovered.output
        assert host.version() == "1.2.3"
        seen = ended()
    assert not failed(seen)
    for ran in (good, back):
        assert "Zero downtime: " in ran.stdout
        assert ", none failed" in ran.stdout
        assert int(ran.stdout.partition("[INFO] Visitors: ")[2].split()[0]) > 100
        assert "requests at the ingress, none failed" in ran.stdout
    # One container for each of the eight services, and the ingress.
    assert containers(host) == 9
    assert host.sh("git rev-parse HEAD") == host.sh("git rev-parse 'v1.2.3^{commit}'")
    # As another version of ours would have configured the ingress: its worker is replaced under load, too.
    host.sh("cd .schedgen/ingress && echo '# older' >> haproxy.cfg && rm applied")
    with load(host) as ended:
        again = run("deploy", "--branch", "v1.2.4")
        seen = ended()
    assert again.code == 0, again.output
    assert "The ingress has the configuration of this release" in again.stdout
    # What the worker that went had counted went with it: nothing is claimed of visitors' requests before.
    assert "Zero downtime: " not in again.stdout
    assert "requests failed during the run" in again.stdout
    assert "none failed; not all were counted: the ingress was replaced or reloaded" in again.stdout
    assert not failed(seen)
    assert host.sh("ls .schedgen/ingress").split() == [
        *("applied", "haproxy.cfg", "hold.lua", "maintenance.html", "maintenance.map", "out.map")
    ]


def kill_while_rolling(environ: Mapping[str, str], branch: str) -> None:
    """SIGKILL to the operator's process in the middle of the rolling update."""
    with deploying(environ, branch) as process:
        wait_for(process, "Application services")
        time.sleep(2)
        process.send_signal(signal.SIGKILL)


def deploying(environ: Mapping[str, str], branch: str) -> subprocess.Popen[str]:
    """A deploy that runs on its own."""
    words = [sys.executable, "-m", "invoke", "deploy", "--branch", branch, "--env", "lab", "--hosts", "app1"]
    return subprocess.Popen(words, cwd=ROOT, env={**os.environ, **environ}, stdout=subprocess.PIPE, text=True)


def wait_for(process: subprocess.Popen[str], heading: str) -> None:
    """Reads what the deploy says until it comes to a step."""
    assert process.stdout is not None
    assert any(heading in line for line in process.stdout), f"the deploy ended before {heading!r}"


def test_what_was_begun_is_finished_while_what_does_it_is_replaced(
    still_behind: Box, run: Inv, environ: Mapping[str, str]
) -> None:
    _assert_an_upload_in_flight_is_finished_by_the_release_that_took_it(still_behind, environ)
    _assert_no_job_is_lost_or_done_twice_while_the_worker_is_replaced(still_behind, run)


def _assert_an_upload_in_flight_is_finished_by_the_release_that_took_it(
    host: Box, environ: Mapping[str, str]
) -> None:
    head, body = upload(host)
    before = host.version()
    after = "1.2.3" if before == "1.2.4" else "1.2.4"
    with (
        socket.create_connection((host.address, 3001), timeout=60) as slow,
        deploying(environ, f"v{after}") as process,
    ):
        slow.sendall(head + body[:100])
        wait_for(process, "Post-deployment verification")
        assert json.loads(host.get("/health"))["version"] in (before, after)
        slow.sendall(body[100:])
        answer = slow.recv(65536).decode()
        process.communicate(timeout=120)
    assert process.returncode == 0
    assert host.version() == after
    assert answer.split()[1].startswith("20"), answer


def test_the_ports_are_taken_go_to_their_owner_and_come_back_under_load(
    host: Box, run: Inv, environ: Mapping[str, str]
) -> None:
    ports = "docker ps --filter name=schedgen-backend --format '{{.Ports}}'"
    with load(host) as ended:
        taken_over(host, run)
        assert "3001->" not in host.sh(ports)
        away = run("ingress.remove", "--yes")
        assert away.code == 0, away.output
        assert "the published ports; new connections were led past that" in away.stdout
        assert "3001->" in host.sh(ports)
        assert containers(host) == 8
        # Compose takes them for its own: it has nothing to do there.
        told = host.sh("docker compose up --detach --no-build --dry-run backend frontend 2>&1")
        assert "Recreate" not in told
        head, body = upload(host)
        with (
            socket.create_connection((host.address, 3001), timeout=60) as slow,
            deploying(environ, "v1.2.4") as process,
        ):
            slow.sendall(head + body[:100])
            wait_for(process, "The published ports change hands once")
            kit.wait_for(lambda: "SCHEDGEN" in nat(host), "new connections to be led elsewhere")
            slow.sendall(body[100:])
            answer = slow.recv(65536).decode()
            process.communicate(timeout=120)
        seen = ended()
    assert process.returncode == 0
    assert answer.split()[1].startswith("20"), answer
    assert not failed(seen)
    assert host.version() == "1.2.4"
    assert containers(host) == 9
    assert "SCHEDGEN" not in nat(host)


def nat(host: Box) -> str:
    """The rules that lead connections elsewhere."""
    return host.sh("iptables -w -t nat -S", user="root")


def upload(host: Box) -> tuple[bytes, bytes]:
    """A request that uploads the sample PDF: its head, its body."""
    parts = (
        b'--x\r\nContent-Disposition: form-data; name="pdfType"\r\n\r\nWEEKLY\r\n'
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n'
        b"Content-Type: application/pdf\r\n\r\n" + SAMPLE.read_bytes() + b"\r\n--x--\r\n"
    )
    head = (
        f"POST /api/upload HTTP/1.1\r\nHost: {host.address}\r\nConnection: close\r\n"
        f"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: {len(parts)}\r\n\r\n"
    )
    return head.encode(), parts


def _assert_no_job_is_lost_or_done_twice_while_the_worker_is_replaced(host: Box, run: Inv) -> None:
    worker = "docker ps -q --filter label=com.docker.compose.service=pdf-worker"
    before = host.sh(worker)
    with uploading(host) as jobs:
        back = run("deploy", "--branch", "v1.2.2")
    assert back.code == 0, back.output
    assert host.sh(worker) != before
    assert len(jobs) > 10
    kit.wait_for(lambda: all(status(host, job) == "completed" for job in jobs), "the jobs", 60)
    rows = f"SELECT count(*), count(DISTINCT (job_id, position)) FROM events WHERE job_id IN ({listed(jobs)})"
    there, apart = host.sh(f'docker compose exec -T postgres psql -U schedgen -tAc "{rows}"').split("|")
    assert int(there) == int(apart) == len(jobs) * len(json.loads(host.get(f"/api/jobs/{jobs[0]}/events")))


@contextmanager
def uploading(host: Box) -> Iterator[list[str]]:
    """The sample PDF uploaded again and again for as long as the block lasts; the ids of its jobs."""
    jobs: list[str] = []
    over = threading.Event()

    def work() -> None:
        while not over.wait(0.3):
            with socket.create_connection((host.address, 3001), timeout=60) as connection:
                connection.sendall(b"".join(upload(host)))
                answer = connection.makefile("rb").read()
            jobs.append(str(json.loads(answer.partition(b"\r\n\r\n")[2])["jobId"]))

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield jobs
    finally:
        over.set()
        thread.join(60)


def status(host: Box, job: str) -> str:
    return str(json.loads(host.get(f"/api/jobs/{job}"))["status"])


def listed(jobs: list[str]) -> str:
    return ", ".join(f"'{job}'" for job in jobs)


def test_going_back_restores_the_database_when_asked_and_keeps_the_newer_one(
    behind_ingress: Box, run: Inv, environ: Mapping[str, str]
) -> None:
    host = behind_ingress
    insert = (
        "INSERT INTO events (job_id, position, module, activity, day, start_time, end_time, venue) "
        "SELECT id, 99, 'm', 'a', 'd', '08:00', '09:00', 'v' FROM jobs LIMIT 7"
    )
    had = host.count("events")
    host.sh(f'docker compose exec -T postgres psql -U schedgen -qc "{insert}"')
    assert "events: 7 rows would be lost" in asked(environ, "rollback", "--restore-database")
    assert host.version() == "1.2.3"
    back = run("rollback", "--restore-database", "--yes")
    assert back.code == 0, back.output
    assert host.version() == "1.2.2"
    assert host.count("events") == had
    assert "page_count" not in columns(host)
    kept = "SELECT count(*) FROM pg_database WHERE datname LIKE 'schedgen_before_%'"
    assert host.sh(f'docker compose exec -T postgres psql -U schedgen -tAc "{kept}"') == "1"


def asked(environ: Mapping[str, str], *words: str) -> str:
    """What an operator at a terminal is shown, who then says no."""
    line = shlex.join([sys.executable, "-m", "invoke", *words, "--env", "lab", "--hosts", "app1"])
    command = ["script", "--quiet", "--return", "--command", line, "/dev/null"]
    env = {**os.environ, **environ}
    done = subprocess.run(
        command, cwd=ROOT, env=env, input="no\n", capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stdout
    return done.stdout


def test_going_back_reverts_migrations_when_asked(behind_ingress: Box, run: Inv) -> None:
    host = behind_ingress
    listed = run("rollback.list", "--json")
    names = [row["release"] for row in json.loads(listed.stdout)["result"]]
    assert len(names) == 1
    assert names[0].endswith("-adopted")
    assert "page_count" in columns(host)
    back = run("rollback", "--yes", "--revert-migrations")
    assert back.code == 0, back.output
    assert host.version() == "1.2.2"
    assert "page_count" not in columns(host)
    nothing = run("rollback", "--yes", "--to", "20000101")
    assert nothing.code == 3
    assert "there is no release" in nothing.stderr


def columns(host: Box) -> str:
    """The columns of the jobs' table."""
    query = "SELECT string_agg(column_name, ' ') FROM information_schema.columns WHERE table_name = 'jobs'"
    return host.sh(f'docker compose exec -T postgres psql -U schedgen -tAc "{query}"')
