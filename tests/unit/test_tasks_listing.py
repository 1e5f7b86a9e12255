"""What a start of `inv` costs: listing the tasks what it costs with bare Invoke."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
LISTING = """
import sys
from invoke import Collection, task
from invoke.program import Program

def list_tasks(namespace):
    try:
        Program(namespace=namespace).run(["inv", "--list"])
    except SystemExit as end:
        assert not end.code
    return set(sys.modules)

bare = list_tasks(Collection(only=task(lambda context: None)))
from schedgen_ops.tasks import namespace
added = list_tasks(namespace) - bare
print("ADDED", *sorted(name for name in added if not name.startswith("schedgen_ops.tasks")))
"""


def test_listing_the_tasks_imports_nothing_that_invoke_does_not() -> None:
    words = [sys.executable, "-c", LISTING]
    done = subprocess.run(words, cwd=REPOSITORY, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    for line in ("deploy.plan", "backup.last", "verify.extended", "config.check", "lab.up"):
        assert line in done.stdout
    heavy = {"pydantic", "rich", "fabric", "paramiko", "yaml", "jinja2", "cryptography", "subprocess"}
    added = done.stdout.splitlines()[-1].split()[1:]
    assert not heavy & {name.partition(".")[0] for name in added}
    assert [name for name in added if name.startswith("schedgen_ops.")] == []


def test_what_a_start_compiles_is_there_for_the_next_one_unless_it_must_not_be(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "invoke", "--list"]
    kept = {}
    for forbidden in ("", "1"):
        folder = tmp_path / f"kept{forbidden}"
        env = {**os.environ, "PYTHONPYCACHEPREFIX": str(folder), "PYTHONDONTWRITEBYTECODE": forbidden}
        subprocess.run(words, cwd=REPOSITORY, env=env, capture_output=True, check=True, timeout=60)
        kept[forbidden] = {path.name.partition(".")[0] for path in folder.rglob("schedgen_ops/tasks/*.pyc")}
    assert {"deploy", "rollback"} <= kept[""]
    assert kept["1"] == set()
