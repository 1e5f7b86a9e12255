"""What a deploy refuses before it changes anything, and that it does not."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import DIRECTORY, LabHost, Place

RESTORE = "git -c safe.directory=$PWD checkout -q -- . && chown -R deploy: backend .git"


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure()


def test_a_host_that_is_not_ready_is_refused_and_left_as_it_is(op: Operator, host: Box) -> None:
    _refused(
        op,
        host,
        "the work tree has changes of its own",
        " M backend/src/server.js",
        altered=_altered(host, "echo '// by hand' >> backend/src/server.js", RESTORE),
    )
    _refused(
        op,
        host,
        "Docker refuses this user",
        "group docker",
        altered=_altered(host, "gpasswd -d deploy docker", "usermod -aG docker deploy"),
    )
    _refused(
        op,
        host,
        ".env does not set MINIO_SECRET_KEY",
        f"{DIRECTORY}/.env",
        altered=_altered(host, "cp -p .env /root/env; sed -i /MINIO_SECRET_KEY/d .env", "mv /root/env .env"),
    )
    _refused(
        op,
        host,
        "backups is not writable",
        altered=_altered(host, "mkdir -m 0555 backups; chown root: backups", "rmdir backups"),
    )
    _refused(
        op,
        host,
        "the service postgres of the project 'schedgen' is not running",
        altered=_altered(host, "docker compose stop postgres", "docker compose start postgres"),
    )
    _refused(op, host, "100000 GB are needed", limits={"disk_free_gb": 100_000})
    _refused(op, host, "no project directory /srv/elsewhere", directory="/srv/elsewhere")
    _refused(op, host, f"and {DIRECTORY} has those of 'schedgen'", "Say so in `project`", project="other")


def _refused(
    op: Operator, host: Box, *texts: str, altered: AbstractContextManager[None] | None = None, **config: Any
) -> None:
    op.configure(**config)
    with altered or _altered(host, "true", "true"):
        before = kit.tree(host), kit.engine(host)
        ran = op("deploy", "--branch", "v1.2.3")
        after = kit.tree(host), kit.engine(host)
    assert ran.code == 3, ran.output
    assert "nothing was changed" in ran.stderr
    for text in texts:
        assert text in ran.output, f"{text!r} is not in:\n{ran.output}"
    assert after == before
    assert "Traceback" not in ran.output


def _altered(host: Box, before: str, after: str) -> AbstractContextManager[None]:
    return kit.as_root(host, before, after)


def test_an_unknown_branch_is_refused_and_files_that_git_does_not_know_only_warn(
    op: Operator, host: Box
) -> None:
    """The name is one that git allows and that a shell would run."""
    host.sh("touch notes.txt")
    ran = op("deploy", "--branch", "$(rm${IFS}notes.txt)")
    assert (ran.code, "notes.txt" in ran.stdout) == (3, True), ran.output
    assert "nothing was changed" in ran.stderr
    assert "origin has no branch, tag or commit '$(rm${IFS}notes.txt)'" in ran.stderr
    assert "git ls-remote origin" in ran.stderr
    # Only a fetch can tell of a commit.
    ran = op("deploy", "--branch", "deadbee")
    assert (ran.code, "origin has no branch, tag or commit 'deadbee'" in ran.stderr) == (4, True), ran.output
    assert host.sh("ls notes.txt") == "notes.txt"
    kit.serves(host, "1.2.2")
    assert host.sh("git status --porcelain") == "?? notes.txt"


def test_what_is_no_name_of_a_ref_is_refused_before_any_connection(place: Place, tmp_path: Path) -> None:
    op = Operator(place, tmp_path, (Box(LabHost(1)),))
    with _nobody_listens() as port:
        op.configure(hosts={"app1": {"port": port}})
        for name in ("-rf", "a b", "v1..2", "x.lock", "@{1}", "HEAD", "a:b"):
            ran = op("deploy", f"--branch={name}")
            assert ran.code == 2, ran.output
            assert "is no name of a branch, tag or commit" in ran.stderr
        assert op("deploy", "--branch=v1.2.3").code == 8


@contextmanager
def _nobody_listens() -> Iterator[int]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield int(taken.getsockname()[1])


def test_git_branch_is_honoured_and_the_option_wins(op: Operator, host: Box) -> None:
    env = {"GIT_BRANCH": "v1.2.4"}
    assert "what a deploy of v1.2.4 would do" in op("deploy.plan", env=env).stdout
    assert "what a deploy of v1.2.3 would do" in op("deploy.plan", "--branch", "v1.2.3", env=env).stdout
    ran = op("deploy", env={"GIT_BRANCH": "-x"})
    assert (ran.code, "GIT_BRANCH" in ran.stderr) == (2, True)


def test_a_plan_tells_what_would_happen_and_changes_nothing(op: Operator, host: Box) -> None:
    before = kit.tree(host), kit.engine(host)
    ran = op("deploy.plan", "--branch", "v1.2.3")
    assert (kit.tree(host), kit.engine(host)) == before
    assert ran.code == 0, ran.output
    for text in ("Would be", "AddPageCount.js", "needed at most", "Commits"):
        assert text in ran.stdout
    document = op.document("deploy.plan", "--branch", "v1.2.3")["results"]
    actions = {row["service"]: row["action"] for row in document["Services"]}
    assert actions == {
        **dict.fromkeys(("redis", "minio", "prometheus", "grafana"), "keep"),
        **dict.fromkeys(("pdf-worker", "backend", "frontend"), "replace"),
    }
    assert "backend/src/version.js" in {row["file"] for row in document["Files"]}
    assert document["Commits"]
    unknown = op("deploy.plan", "--branch", "no-such-branch")
    assert (unknown.code != 0, "no branch, tag or commit" in unknown.stderr) == (True, True)
