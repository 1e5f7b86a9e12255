"""A service that others call by its name, on a real engine: it has at the ingress what ports have."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import yaml
from box import Box
from drafting_kit import at_home, drafted
from stack_kit import Stack, stack

from schedgen_ops.lab.place import Place

# A release that is not well, of another one: TAG.
_BAD = """
cd {directory} && git checkout -q {tag} && sed -i 's/CMD, curl, .*\\]/CMD, "false"]/' compose.yaml
git commit -qam bad && git tag bad-{tag} && git push -q origin bad-{tag} && git checkout -q v1
"""
FOUR = ("http=127.0.0.1:8127",) * 4
BY_NAME = ("http=app:8000", "http=api:8000") * 2


@contextmanager
def asked(called: Stack) -> Iterator[dict[str, dict[str, int]]]:
    """Visitors of the front, and others that call the service by its names; then what both had."""
    seen: dict[str, dict[str, int]] = {}
    with (
        called.visitors(*FOUR) as ended,
        called.visitors(*BY_NAME, network=f"{called.name}_default") as named_ended,
    ):
        yield seen
        seen |= {**ended(), **named_ended()}


def of(called: Stack, service: str) -> str:
    """The container of a service."""
    project = f"label=com.docker.compose.project={called.name}"
    return called.box.sh(
        f"docker ps -q --no-trunc --filter {project} --filter label=com.docker.compose.service={service}"
    ).strip()


def test_who_is_called_by_name_is_replaced_and_no_request_fails(
    lab: Place, empty_host: Box, tmp_path: Path
) -> None:
    with stack("called", lab, empty_host, tmp_path) as called:
        empty_host.sh(f"cd {called.directory} && docker compose up --detach --build")
        config = called.op.folder / "config" / "lab.yaml"
        written = config.read_text()
        draft = drafted(called.op, at_home(lab, tmp_path), called.directory)
        assert draft["rollout"]["by_name"] == {"app": 8000}
        # A config that does not say so is told the very line.
        silent = yaml.safe_load(written)
        del silent["rollout"]["by_name"]
        config.write_text(yaml.safe_dump(silent))
        planned = called.op("deploy.plan", "--branch", "v1")
        assert "`rollout: {by_name: {app: 8000}}`" in planned.stdout, planned.output
        config.write_text(written)
        for tag in ("v2", "v4"):
            empty_host.sh(_BAD.format(directory=called.directory, tag=tag))
        assert "its name leads to the ingress from the next deploy on" in called.deploy("v1")
        with asked(called) as seen:
            ran = called.op("deploy", "--branch", "bad-v2")
            assert ran.code == 4, ran.output
            said = called.deploy("v2")
            assert "was exchanged for another one" in said
        assert len(seen) == 3
        assert all(each.keys() == {"1", "2"} for each in seen.values()), seen

        called.deploy("v3")
        front = of(called, "front")
        with asked(called) as seen:
            called.deploy("v4")
            ran = called.op("deploy", "--branch", "bad-v4")
            assert ran.code == 4, ran.output
            back = called.op("rollback", "--yes")
            assert back.code == 0, back.output
            runs = empty_host.sh("docker inspect --format '{{.Image}}' " + of(called, "app"))
            # Compose by hand would start that too.
            assert empty_host.sh("docker image inspect --format '{{.Id}}' called-app") == runs
        assert all(each.keys() == {"3", "4"} for each in seen.values()), seen
        # It knows one address of what it asks, and that stays.
        assert of(called, "front") == front
