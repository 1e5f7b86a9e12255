"""The runbook from its first section to its last, typed with `inv` alone, on one host that does well."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from data import shrink
from deploy_kit import Operator
from test_doctor import LOGS, named
from test_verify import EASY, patient

from schedgen_ops.lab.place import Place

Walk = tuple[tuple[str, str], ...]
# The emergencies stop the site, and the ingress says so.
IGNORED = [*LOGS["ignore"], "has no server available"]
PATIENT = {"logs": {"ignore": IGNORED}, "queue": {"within": 20}}

CHECKLIST: Walk = (
    ("hosts.check", "app1"),
    ("deploy.preflight --branch v1.2.3", "1. Environment preparation"),
    ("deploy.plan --branch v1.2.3", "backend"),
    ("verify.quick", "healthy"),
    ("status", "backend"),
    ("logs backend --tail 100 --level error", ""),
    ("ops.migrations", "CreateJobs1712000000000"),
)
AFTERWARDS: Walk = (
    ("verify.services", "backend"),
    ("verify.endpoints", "/health"),
    ("verify.metrics", ""),
    ("verify.flow", ""),
    ("verify.migrations", ""),
    ("verify.queue", ""),
    ("verify.performance", ""),
    ("verify.logs", ""),
    ("verify.extended --duration 5", "Report"),
    ("backup.last", "gunzip -c"),
    ("backup.list", "pre-deployment"),
)
TROUBLE: Walk = (
    ("logs postgres --tail 100", ""),
    ("ops.restart backend --yes", "backend"),
    ("ops.prune --yes", ""),
    ("ops.build backend", ""),
    ("ops.migrate --yes", ""),
    ("run -- df -h", "Filesystem"),
    ("exec backend -- env", "PATH="),
    ("deploy.status", "v1.2.3"),
)
BACK: Walk = (
    ("rollback.list", "v1.2.3"),
    ("rollback --yes", "v1.2.3"),
    ("verify.quick", "healthy"),
    ("history", "rollback"),
    ("history.stats", ""),
)
EMERGENCIES: Walk = (
    ("backup", "verified"),
    ("backup.verify", ""),
    ("emergency.database --yes", ""),
    ("emergency.recover --yes", ""),
    ("verify", ""),
)


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    shrink(host)
    return Operator(lab, tmp_path, (host,)).configure(limits=EASY, verify=PATIENT, checks=patient())


def wrong(op: Operator, walk: Walk) -> Iterator[str]:
    """What a command did not do, or did not say."""
    for line, text in walk:
        ran = op(*line.split())
        if ran.code or text not in ran.output:
            yield f"inv {line}: exit {ran.code}, without {text!r}: {ran.output}"


def unwell(op: Operator) -> Iterator[str]:
    """What doctor names, issue by issue, on a host that is well."""
    for number in range(1, 7):
        yield from named(op, "--issue", str(number))


def test_the_runbook_is_walked_without_a_shell_on_a_host(op: Operator, host: Box) -> None:
    found = [*wrong(op, CHECKLIST)]
    op.deploy("v1.2.3")
    found += [*wrong(op, AFTERWARDS), *unwell(op), *wrong(op, TROUBLE)]
    guarded = op("deploy.guarded", "--branch", "v1.2.4", "--duration", "20")
    assert guarded.code == 0, guarded.output
    found += [*wrong(op, BACK), *wrong(op, EMERGENCIES)]
    assert not found, "\n".join(found)
    assert host.version() == "1.2.3"
    assert kit.lock_is_free(host)
