"""docs/ci.md: its YAML is YAML, its commands are tasks with these options, its shell lines do as they say."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from kit import ROOT

from schedgen_ops.tasks import namespace

DOCUMENT = (ROOT / "docs/ci.md").read_text()
BLOCKS = re.findall(r"^```yaml\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)


def _lines() -> dict[str, list[str]]:
    """The shell lines of both recipes, those that need nothing installed."""
    github, gitlab = (yaml.safe_load(block) for block in BLOCKS)
    steps: list[dict[str, Any]] = github["jobs"]["deploy"]["steps"]
    key = next(step["run"] for step in steps if step.get("name") == "Key and hosts")
    prepared = [line for line in gitlab["deploy"]["before_script"] if "pip" not in line]
    return {"github": key.splitlines(), "gitlab": prepared}


def test_there_is_a_recipe_for_each_service() -> None:
    assert len(BLOCKS) == 2
    assert all(isinstance(yaml.safe_load(block), dict) for block in BLOCKS)


@pytest.mark.parametrize("line", re.findall(r"\binv (.*)", "".join(BLOCKS)))
def test_every_command_is_a_task_with_these_options(line: str) -> None:
    name, *words = line.split()
    task = namespace[name]
    options = {argument.names[0] for argument in task.get_arguments()}
    used = [word.removeprefix("--").replace("-", "_") for word in words if word.startswith("--")]
    assert used
    assert set(used) <= options


@pytest.mark.parametrize("service", ["github", "gitlab"])
def test_key_and_known_hosts_are_there_for_their_owner_alone(service: str, tmp_path: Path) -> None:
    secrets = {"SSH_KEY": "-----BEGIN KEY-----\nabc\n-----END KEY-----", "SSH_KNOWN_HOSTS": "h ssh-ed25519 A"}
    given = dict(secrets)
    if service == "gitlab":
        for name, text in secrets.items():
            (tmp_path / name).write_text(text + "\n")
            given[name] = str(tmp_path / name)
    script = "\n".join(("set -e", *_lines()[service]))
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), **given}
    subprocess.run(["bash", "-c", script], env=env, check=True, timeout=60)
    for name, file in (("SSH_KEY", "id_ed25519"), ("SSH_KNOWN_HOSTS", "known_hosts")):
        path = tmp_path / ".ssh" / file
        assert path.read_text() == secrets[name] + "\n"
        assert path.stat().st_mode & 0o777 == 0o600
