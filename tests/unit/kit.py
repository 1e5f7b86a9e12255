"""What the tests of the core share: builders run by a local bash, recorded answers, an environment."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml

from schedgen_ops import host_scripts
from schedgen_ops.backup.catalog.manifest import BackupId, BackupState, File, Manifest
from schedgen_ops.remote import Result
from schedgen_ops.settings import Database, Flow, Objects, Settings
from schedgen_ops.shell import Command

# A busy machine is no failure: no example has a deadline. Those that start a shell are few.
quickly = hypothesis.settings(deadline=None, max_examples=40)
in_a_shell = hypothesis.settings(deadline=None, max_examples=6)

ROOT = Path(__file__).parents[2]
RECORDED = Path(__file__).parent / "recorded"
OF_THE_APPLICATION = (
    "tiers",
    "database",
    "objects",
    "credentials",
    "migrations",
    "checks",
    "verify",
    "dashboards",
)
DIRECTORY = "/srv/schedgen"
BACKUP = Manifest(
    id=BackupId("manual-20250115_120000"),
    release="r1",
    commit="a" * 40,
    state=BackupState.DONE,
    created="2025-01-15T12:00:00Z",
    finished="2025-01-15T12:00:05Z",
    files=(File("database.sql.gz", 10, "0" * 64), File("objects.tar.gz", 20, "0" * 64)),
    objects=3,
    verified=("archive integrity",),
)


DATABASE = Database(service="postgres", user="schedgen", name="schedgen")
OBJECTS = Objects.model_validate({"service": "minio", "profile": "minio"})
FLOW = Flow.model_validate({"profile": "pdf-upload"})


def programs_outside(rooms: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    """Name and text of each program of the product that is in none of these rooms."""
    top = ROOT / "schedgen_ops"
    for file in top.rglob("*.*"):
        name = str(file.relative_to(top))
        if file.suffix in (".py", ".bash", ".sh", ".sql", ".awk") and not name.startswith(rooms):
            yield name, re.sub(r"^# shellcheck source=.*$", "", file.read_text(), flags=re.MULTILINE)


def recorded(name: str) -> str:
    """What a host of the lab answered once; values that are secret there are ***."""
    return (RECORDED / name).read_text()


def application() -> dict[str, Any]:
    """What config/production.yaml says of the reference application: the runbook's values."""
    return dict(json.loads(_application()))


@cache
def _application() -> str:
    """Read once: that takes longer than most tests do besides."""
    document = yaml.safe_load((ROOT / "config/production.yaml").read_text())
    return json.dumps({key: document[key] for key in OF_THE_APPLICATION})


def over(base: Any, changes: Any) -> Any:
    """`base` with `changes`, mapping by mapping."""
    if not isinstance(base, dict) or not isinstance(changes, Mapping):
        return changes
    return {**base, **{key: over(base.get(key), value) for key, value in changes.items()}}


def written(**values: Any) -> str:
    """A config file of the reference application; `values` change single keys."""
    return json.dumps(over({"project": "schedgen", "directory": DIRECTORY, **application()}, values))


def settings(*hosts: Mapping[str, Any] | str, **values: Any) -> Settings:
    """The reference application with these hosts, app1 if none is named; `values` change single keys."""
    rows = [{"name": host, "address": host} if isinstance(host, str) else host for host in hosts or ("app1",)]
    return Settings.model_validate(json.loads(written(hosts=rows, **values)))


def minimal(**values: Any) -> Settings:
    """An environment that says no more than it has to."""
    host = {"name": "app1", "address": "app1"}
    return Settings.model_validate({"project": "blog", "directory": "/srv/blog", "hosts": [host], **values})


def bash(command: Command, cwd: Path, **env: str) -> Result:
    """Runs a command as a host would: bash with pipefail, no start files, a clean environment."""
    data = command.stdin or b""
    done = subprocess.run(
        ["bash", "--norc", "-o", "pipefail", "-c", command.text],
        input=data.encode() if isinstance(data, str) else data,
        cwd=cwd,
        env={"PATH": os.environ["PATH"], "HOME": str(cwd), "LC_ALL": "C.UTF-8", **env},
        capture_output=True,
        check=False,
        timeout=120,
    )
    return Result(done.stdout.decode(), done.stderr.decode(), done.returncode, 0.0)


def apart(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Scripts are read from another folder, and nothing that was read before counts."""
    monkeypatch.setattr(host_scripts, "FOLDER", folder)
    for name in ("given", "choices", "library", "joined", "text", "read_all", "_joined"):
        monkeypatch.setattr(host_scripts, name, cache(getattr(host_scripts, name).__wrapped__))


def parses(text: str) -> str:
    """What bash has against the syntax of `text`; "" if nothing."""
    done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False, timeout=60)
    return done.stderr


def program(folder: Path, name: str, body: str) -> Path:
    """A program of that name in `folder`, which a test puts in front of PATH."""
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/usr/bin/env bash\n{body}\n")
    file.chmod(0o755)
    return file


def path(folder: Path) -> str:
    """PATH with `folder` in front."""
    return f"{folder}:{os.environ['PATH']}"


def git(folder: Path, *argv: str) -> str:
    """git in `folder`, as somebody with a name and without the machine's own configuration."""
    who = {f"GIT_{part}_{key}": "test" for part in ("AUTHOR", "COMMITTER") for key in ("NAME", "EMAIL")}
    env = {**os.environ, **who, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    words = ["git", "-c", "init.defaultBranch=main", *argv]
    done = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=True, timeout=120)
    return done.stdout.strip()


def commit(folder: Path, message: str, **files: str) -> str:
    """Writes files (`__` in a name stands for a slash, `_dot_` for a dot) and commits; returns the id."""
    for name, text in files.items():
        file = folder / name.replace("__", "/").replace("_dot_", ".")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message", message)
    return git(folder, "rev-parse", "HEAD")
