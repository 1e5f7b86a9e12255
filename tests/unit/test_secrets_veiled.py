"""A value that a program quotes when it fails is nowhere to be read afterwards."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import test_tasks
import yaml
from fakes import result
from grafana_kit import TOKEN, Asking, Grafana
from http_kit import serving
from test_tasks import CONFIG, Inv

from schedgen_ops.errors import OpsError
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

inv = test_tasks.inv
VALUE = "s3cret-value-of-the-smtp"
Configure = Callable[..., None]


class Quoting(Asking):
    """A host whose migrations fail, and whose answer has a secret in it."""

    def _reply(self, command: Command, deadline: float) -> Result:
        if command.script == "secrets/look":
            return result("absent\n")
        # The way back puts the env file back and the work tree, in one command.
        if command.script.startswith("secrets/") or "env.before" in command.text:
            return result()
        if command.title.startswith("docker compose run"):
            raise OpsError(f"cannot log in with {VALUE}", host=self.name, detail=f"tried\n{VALUE}")
        return super()._reply(command, deadline)


@pytest.fixture
def host(tmp_path: Path) -> Quoting:
    host = Quoting()
    host.folder, host.posts = tmp_path, []
    return host


@pytest.fixture
def configure(inv: Inv, tmp_path: Path) -> Configure:
    """Write a config with a secret; `more` are other keys of it."""

    def write(**more: Any) -> None:
        written = yaml.safe_load(CONFIG) | {"secrets": {"SMTP_PASSWORD": ["echo", VALUE]}} | more
        (tmp_path / "config/staging.yaml").write_text(yaml.safe_dump(written))

    return write


def test_not_in_the_record_of_the_release(inv: Inv, configure: Configure, host: Quoting) -> None:
    configure()
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 4
    records = "".join(text for path, text in host.world.files.items() if path.endswith("/release.json"))
    assert "cannot log in with ***" in records
    assert VALUE not in records


def test_not_in_an_annotation(
    inv: Inv, configure: Configure, host: Quoting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)
    with serving(Grafana()) as server:
        configure(grafana={"url": server.url, "variable": "GRAFANA_TOKEN", "deadline": 60})
        assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 4
        (made,) = server.annotations
    assert "cannot log in with ***" in made["text"]
    assert VALUE not in str(made)


def test_not_in_what_a_hook_is_told(inv: Inv, configure: Configure, host: Quoting, tmp_path: Path) -> None:
    configure()
    (tmp_path / "config/hooks").mkdir()
    for name in ("on-failure", "on-rollback"):
        file = tmp_path / "config/hooks" / name
        file.write_text(f"#!/bin/sh\ncat >> {tmp_path}/told\n")
        file.chmod(0o755)
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 4
    told = (tmp_path / "told").read_text()
    assert told.count("cannot log in with ***") == 2
    assert VALUE not in told
