"""A deploy that goes well, as its operator, its host and its visitors see it."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box, Ran
from deploy_kit import HEADINGS, Operator

from schedgen_ops.lab.load import traffic
from schedgen_ops.lab.place import Place

UNCHANGED = ("postgres", "redis", "minio", "prometheus", "grafana")
REPLACED = {"pdf-worker", "backend", "frontend"}


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure(releases={"keep": 2})


def test_a_release_after_the_other(op: Operator, host: Box) -> None:
    secrets, before = kit.secrets(host), kit.containers(host)
    with _processes_watched(host) as seen, traffic(f"http://{host.address}:3000/") as users:
        first = op.deploy("v1.2.3")
    _assert_told(first)
    _assert_replaced(host, before)
    _assert_backed_up(op, host)
    _assert_recorded(op, host)
    _assert_journal(op)
    _assert_secret(secrets, first.output, op.newest("log"), op.newest("jsonl"), "\n".join(seen))
    assert any("docker compose" in line for line in seen)
    (site,) = users()
    assert site.requests - site.failures > site.failures

    again = _assert_same_again(op, host)
    _assert_secret(secrets, again)
    op.deploy("v1.2.4")
    kit.serves(host, "1.2.4")
    _assert_kept(host)
    _assert_starts_without_a_build(host)
    op.deploy("v1.2.4")
    _assert_gone(host)


def _assert_told(ran: Ran) -> None:
    assert kit.in_order(ran.stdout, [f"\n=== {heading} ===\n" for heading in HEADINGS[1:]])
    assert ran.stdout.startswith(f"=== {HEADINGS[0]} ===\n")
    assert kit.in_order(
        ran.stdout,
        (
            "Branch: v1.2.3",
            "Started at: ",
            "[INFO] Pre-flight checks passed",
            "[INFO] Creating backup before deployment",
            "[INFO] Code updated successfully",
            "[INFO] Containers built successfully",
            "[INFO] New migration: backend/src/migrations/1717400000000-AddPageCount.js",
            "[INFO] Migrations completed successfully",
            "[INFO] Service redis unchanged",
            "[INFO] Service backend updated successfully",
            "[INFO] Service frontend updated successfully",
            "[INFO] All critical services are healthy",
            "[INFO] Deployment verification passed",
            "[INFO] Old images cleaned up",
            "[INFO] All services updated successfully",
        ),
    )
    # The backup is made beside code and build, and done before the schema changes.
    assert kit.in_order(
        ran.stdout,
        (
            "[INFO] Creating backup before deployment",
            "[INFO] Backup directory: backups/pre-deployment-",
            "[INFO] Backup integrity verified successfully",
            "[INFO] Pre-deployment backup completed successfully",
            "=== Step 3: ",
        ),
    )
    assert "[INFO] Service pdf-worker updated successfully" in ran.stdout
    assert ran.stderr == ""


def _assert_replaced(host: Box, before: dict[str, str]) -> None:
    kit.serves(host, "1.2.3")
    after = kit.containers(host)
    # It publishes a port: that is the ingress's from the first deploy on.
    assert {service for service in after if after[service] != before[service]} == REPLACED | {"grafana"}
    applied = host.sh("docker compose exec -T backend npm run migration:show")
    assert re.search(r"\[X\].*AddPageCount", applied)
    assert host.sh("git status --porcelain") == ""
    assert host.sh("git describe --tags") == "v1.2.3"
    assert kit.lock_is_free(host)


def _assert_backed_up(op: Operator, host: Box) -> None:
    (name,) = kit.backups(host)
    assert re.fullmatch(r"pre-deployment-\d{8}_\d{6}", name)
    manifest = json.loads(host.sh(f"cat backups/{name}/manifest.json"))
    assert (manifest["id"], manifest["state"], manifest["objects"]) == (name, "DONE", 2000)
    files = {file["name"]: (file["size"], file["sha256"]) for file in manifest["files"]}
    assert set(files) == {"config.env", "database.sql.gz", "objects.tar.gz"}
    for file, told in files.items():
        size, digest = host.sh(f"cd backups/{name}; stat -c %s {file}; sha256sum < {file}").split()[:2]
        assert (int(size), digest) == told
    assert host.sh(f"stat -c %a backups backups/{name} .schedgen .schedgen/releases").split() == ["700"] * 4
    # The ingress runs as a user of its own, and what configures it is all that it has to read.
    # So do the files that containers mount, which are as git has them.
    mounted = "-path '.schedgen/releases/*/tree' -prune"
    loose = host.sh(f"find backups .schedgen {mounted} -o -type f ! -perm 600 -print").split()
    read = ("haproxy.cfg", "hold.lua", "maintenance.html", "maintenance.map", "out.map")
    assert sorted(loose) == [f".schedgen/ingress/{name}" for name in read]
    _assert_restorable(op, host)


def _assert_restorable(op: Operator, host: Box) -> None:
    """The line that the operator is given, with another database's name in it."""
    (line,) = re.findall(r"The database by hand:? +(.*)", op("backup.last").stdout)
    assert line.endswith(" -d schedgen")
    host.sh("docker compose exec -T postgres createdb -U schedgen scratch")
    host.sh(line.removesuffix("schedgen") + "scratch -q")
    assert _sql(host, "SELECT count(*) FROM jobs", "scratch") == "200000"
    new = "SELECT name FROM migrations ORDER BY id DESC LIMIT 1"
    assert _sql(host, new, "scratch") == "CreateEvents1714500000000"
    assert _sql(host, new, "schedgen") == "AddPageCount1717400000000"
    host.sh("docker compose exec -T postgres dropdb -U schedgen scratch")


def _sql(host: Box, query: str, database: str) -> str:
    return host.sh(f"docker compose exec -T postgres psql -U schedgen -d {database} -tAc '{query}'")


def _assert_recorded(op: Operator, host: Box) -> None:
    adopted, release = kit.records(host)
    assert (adopted["state"], release["state"], release["error"]) == ("ADOPTED", "DONE", "")
    assert (release["branch"], release["previous"]) == ("v1.2.3", adopted["id"])
    assert release["commit"] == host.sh("git rev-parse v1.2.3^{commit}")
    assert release["migrations"] == ["backend/src/migrations/1717400000000-AddPageCount.js"]
    assert release["backup"] == f"backups/{kit.backups(host)[0]}"
    assert host.sh("cat .schedgen/current") == release["id"]
    names, running = kit.images(host), kit.containers(host)
    for service in REPLACED:
        record = release["services"][service]
        assert names[record["image"]] == record["image_id"]
        assert host.sh(f"docker inspect --format '{{{{.Image}}}}' {running[service]}") == record["image_id"]

    _, newest, *_ = op("deploy.history").stdout.splitlines()
    assert newest.split()[:5] == [host.name, "*", release["id"], "v1.2.3", "DONE"]
    assert op.document("deploy.history")["result"][0]["release"] == release["id"]
    shown = op("deploy.show", release["id"]).stdout
    (log,) = op.state.glob("deploy-*.log")
    for text in (release["commit"], release["backup"], "DONE", "AddPageCount", str(log)):
        assert text in shown
    unknown = op("deploy.show", "19990101_000000")
    assert (unknown.code, "there is no release '19990101_000000'" in unknown.stderr) == (2, True)


def _assert_journal(op: Operator) -> None:
    journal = op.newest("jsonl")
    events = [json.loads(line) for line in journal.splitlines()]
    kinds = [(event["event"], event.get("title")) for event in events if "step" in event["event"]]
    begun, ended = (
        [title for kind, title in kinds if kind == f"step.{how}"] for how in ("started", "finished")
    )
    assert sorted(begun) == sorted(ended)
    assert len(kinds) == len(begun) + len(ended)
    assert {heading.split(": ", 1)[-1] for heading in HEADINGS[1:-1]} <= {title for _, title in kinds}
    assert (events[0]["event"], events[-1]["event"], events[-1]["code"]) == ("run.started", "run.finished", 0)
    files = [path for path in op.state.iterdir() if path.is_file()]
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert op.state.stat().st_mode & 0o777 == 0o700
    log = op.newest("log")
    assert "=== Step 2: Building containers ===" in log
    assert "Successfully built" in log or "Built" in log


def _assert_secret(secrets: tuple[str, ...], *texts: str) -> None:
    assert len(secrets) == 3
    for text in texts:
        assert not [secret for secret in secrets if secret in text]


def _assert_same_again(op: Operator, host: Box) -> str:
    """The same tag once more replaces nothing; and --json keeps stdout for its document."""
    before = kit.containers(host)
    ran = op("deploy", "--branch", "v1.2.3", "--json")
    assert ran.code == 0
    assert kit.containers(host) == before
    document = json.loads(ran.stdout)
    assert (document["ok"], document["exit_code"], document["hosts"]) == (True, 0, [host.name])
    assert {step["state"] for step in document["steps"]} == {"done"}
    assert document["facts"]["release"] == kit.records(host)[-1]["id"]
    assert "=== Deployment Complete ===" in ran.stderr
    return ran.output


def _assert_kept(host: Box) -> None:
    """Two releases are kept: the last v1.2.3 and v1.2.4. The first v1.2.3 had the same images as the last."""
    adopted, first, second, third = kit.records(host)
    names = kit.images(host)
    gone = {record["image"] for release in (adopted, first) for record in release["services"].values()}
    kept = {record["image"] for release in (second, third) for record in release["services"].values()}
    assert gone & set(names) == set()
    assert kept <= set(names)
    shared = [(first["services"][name], second["services"][name]) for name in first["services"]]
    assert {one["image_id"] == other["image_id"] for one, other in shared} == {True}


def _assert_starts_without_a_build(host: Box) -> None:
    *_, old, _ = kit.records(host)
    host.sh(f"docker compose -f .schedgen/releases/{old['id']}/compose.yaml up -d --no-build --wait 2>&1")
    kit.serves(host, "1.2.3")


def _assert_gone(host: Box) -> None:
    """No kept release is a v1.2.3 any more: its images have left the disk, but for those of a v1.2.4 too."""
    kit.serves(host, "1.2.4")
    *_, old, _, last = kit.records(host)
    there = host.sh("docker images --all --quiet --no-trunc").split()
    before, now = ({release["services"][name]["image_id"] for name in REPLACED} for release in (old, last))
    assert now <= set(there)
    assert (before - now) & set(there) == set()
    assert before - now != set()


@contextmanager
def _processes_watched(host: Box) -> Iterator[list[str]]:
    """The command lines of all processes that run on the host during the block, looked at all the time."""
    seen: list[str] = []
    over = threading.Event()

    def look() -> None:
        while not over.wait(0.3):
            seen.append(host.sh("ps -eo args", user="root"))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join(10)
