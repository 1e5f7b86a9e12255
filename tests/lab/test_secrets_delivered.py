"""Secrets that a deploy delivers: what a service sees, and what it sees after going back."""

from __future__ import annotations

import json
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

# The application's own file asks for no further variable: this one lies beside the project.
_EXTRA = "/home/deploy/extra.yml"
_FIRST, _SECOND = 'first "value" $HOME #1\'\nof two lines', "s3cond-value-é"


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    """An operator whose secrets are files of their own, one of them new to the host."""
    held = dict(line.split("=", 1) for line in host.sh("grep = .env").splitlines() if line[0].isalpha())
    for name, value in {**held, "API_TOKEN": _FIRST}.items():
        (tmp_path / name).write_text(value)
    host.sh(
        f"printf 'services:\\n  frontend:\\n    environment:\\n      API_TOKEN: $%s\\n' API_TOKEN > {_EXTRA}"
    )
    secrets = {name: ["cat", str(tmp_path / name)] for name in (*held, "API_TOKEN")}
    files = ["docker-compose.yml", _EXTRA]
    return Operator(lab, tmp_path, (host,)).configure(secrets=secrets, compose_files=files)


def _token(host: Box) -> str:
    identity = kit.containers(host)["frontend"]
    found = json.loads(host.sh(f"docker inspect --format '{{{{json .Config.Env}}}}' {identity}"))
    return dict(str(line).split("=", 1) for line in found)["API_TOKEN"]


def test_a_service_sees_the_secret_of_its_release(op: Operator, host: Box) -> None:
    told = [op.deploy("v1.2.3").output]
    assert _token(host) == _FIRST
    assert host.sh("stat -c %a .env") == "600"

    (op.folder / "API_TOKEN").write_text(_SECOND)
    assert _states(op)["API_TOKEN"] == "differs"
    told.append(op.deploy("v1.2.3").output)
    assert _token(host) == _SECOND
    assert {*_states(op).values()} == {"same"}

    went_back = op("rollback", "--yes")
    assert went_back.code == 0, went_back.output
    assert _token(host) == _FIRST
    assert _states(op)["API_TOKEN"] == "differs"

    host.sh("sed -i s/API_TOKEN=.*/API_TOKEN=urgent/ .env")
    refused = op("deploy", "--branch", "v1.2.3")
    assert (refused.code, _token(host)) == (3, _FIRST), refused.output
    assert "changed by hand since it was delivered; differs: API_TOKEN" in refused.output

    told += [went_back.output, refused.output, *(path.read_text() for path in op.state.iterdir())]
    for value in (*_FIRST.split("\n"), _SECOND, *kit.secrets(host)):
        assert value not in "\n".join(told)


def _states(op: Operator) -> dict[str, str]:
    return {row["variable"]: row["state"] for row in op.document("secrets.diff")["result"]}
