"""A host that lost all it had: set up again, its backup brought back from elsewhere, and restored."""

from __future__ import annotations

import json
from pathlib import Path

import deploy_kit as kit
import offsite
import pytest
from box import Box, Ran
from data import Data, shrink
from deploy_kit import Operator

from schedgen_ops.lab.place import Place


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    shrink(host)
    section = offsite.section(password="LAB_S3_PASSWORD")
    return Operator(lab, tmp_path, (host,)).configure(backup={"offsite": section})


def well(op: Operator, *words: str) -> Ran:
    """What a command said; fails the test where it failed."""
    ran = op(*words, env=offsite.VARIABLES)
    assert ran.code == 0, ran.output
    return ran


def test_a_lost_host_comes_back_from_the_offsite_copy_alone(op: Operator, host: Box) -> None:
    origin, commit = host.sh("git remote get-url origin; git rev-parse HEAD").splitlines()
    with offsite.s3(host) as server:
        well(op, "backup")
        (name,) = kit.backups(host)
        well(op, "backup.push", name)
        good, env = Data.of(host), host.sh("sha256sum < .env")
        server.lose()

        bare = op("hosts.setup", "--repository", origin, "--yes")
        assert (bare.code, ".env" in bare.output) == (3, True), bare.output
        assert "there is no copy 'nope' of app1" in op("backup.pull", "nope", env=offsite.VARIABLES).stderr
        ran = well(op, "backup.restore", name[:9], "--from-offsite", "--yes")
        steps = ("Fetching the offsite copy", "that of the backup is in its place", "starting", "serves")
        assert kit.in_order(ran.stdout, steps), ran.stdout
        assert "Deployment Complete" in ran.stdout
        assert Data.of(host) == good
        assert host.sh("sha256sum < .env; stat -c %a .env").split()[::2] == [env.split()[0], "600"]
        assert host.sh("git rev-parse HEAD").strip() == commit
        well(op, "verify.quick")

        # Only here it is lost.
        host.sh("rm -rf backups")
        ran = well(op, "backup.restore", name, "--from-offsite", "--yes")
        assert kit.in_order(ran.stdout, ("Fetching the offsite copy", "is here", "Exchanging"))
        assert Data.of(host) == good
        listed = json.loads(well(op, "backup.list", "--json").stdout)["result"]
        assert name in [row["backup"] for row in listed]
