"""The node of a Swarm's database lost for good: it begins anew on another one, with what was pushed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from box import Box
from deploy_kit import PATIENCE, wait_for
from offsite import VARIABLES, s3, section
from stack_kit import Stack
from swarm_stack import on_swarm, serves, sql

from schedgen_ops.lab import docker
from schedgen_ops.lab.place import Place

_ADDRESS = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
_NO_VOLUME = "until docker volume rm swarmed_base; do sleep 0.5; done"


@pytest.fixture
def on(lab: Place, swarm: tuple[Box, ...], tmp_path: Path) -> Iterator[Stack]:
    """The stack, deployed, and a remote on the first node for its backups."""
    first, second, third = swarm
    address = docker.run("inspect", "--format", _ADDRESS, first.host.container).strip()
    options = section()["options"] | {"endpoint": f"http://{address}:9900"}
    backup = {"offsite": section(options=options)}
    with s3(first, second, third), on_swarm(lab, swarm, tmp_path, backup=backup) as bare:
        made = replace(bare, op=replace(bare.op, environ=VARIABLES))
        made.deploy("v1")
        yield made
        first.sh("docker stack rm swarmed")
        third.sh(_NO_VOLUME)


def test_a_database_lost_with_its_node_begins_anew_elsewhere_from_a_copy(
    on: Stack, swarm: tuple[Box, ...]
) -> None:
    first, second, third = swarm
    sql(on, "DROP TABLE IF EXISTS orders; CREATE TABLE orders AS SELECT generate_series(1, 1000) AS n")
    assert on.op("backup.database").code == 0
    id_ = on.op.document("backup.list")["result"][0]["backup"]
    pushed = on.op("backup.push", id_)
    assert pushed.code == 0, pushed.output
    docker.run("kill", second.host.container)
    try:
        _wait_for(first, "app2 Down")
        refused = on.op("emergency.recover", "--yes")
        assert (refused.code, "the data of db is on app2" in refused.output) == (3, True), refused.output
        ran = on.op("emergency.recover", "--yes", "--id", id_, "--from-offsite", "--node", "app3")
        assert (ran.code, "The data is on app3 from now on" in ran.output) == (0, True), ran.output
        assert sql(on, "SELECT count(*) FROM orders") == "1000"
        serves((first, third), "1")
    finally:
        docker.run("start", second.host.container)
    _wait_for(first, "app2 Ready")
    # The compose file still has it where it was, with the data of then.
    ran = on.op("deploy", "--branch", "v2")
    assert (ran.code, "and its data is on app3" in ran.output) == (4, True), ran.output
    assert sql(on, "SELECT count(*) FROM orders") == "1000"
    serves(swarm, "1")
    back = on.op("backup.restore", id_, "--from-offsite", "--yes")
    assert back.code == 0, back.output
    assert "swarmed_db" not in second.sh("docker ps --format '{{.Names}}'")


def _wait_for(manager: Box, told: str) -> None:
    """Waits until a manager says so of a node."""
    listing = "docker node ls --format '{{.Hostname}} {{.Status}}'"
    wait_for(lambda: told in manager.sh(listing).splitlines(), told, PATIENCE)
