"""What of a compose file a stack cannot be told is refused; mounts, networks and limits are told whole."""

from __future__ import annotations

from typing import Any

import pytest
from kit import minimal

from schedgen_ops.commands.definition import parse_services
from schedgen_ops.orchestrators.swarm import stack
from schedgen_ops.orchestrators.swarm.fitting import misfits
from schedgen_ops.release.record import ServiceRecord


def refused(body: dict[str, Any], **more: Any) -> list[str]:
    document = {"services": {"web": {"image": "w", **body}}, **more}
    return [str(each) for each in misfits(document, parse_services(document, {}), "/srv/shop")]


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"annotations": {"a": "b"}}, "services.web.annotations"),
        ({"deploy": {"resources": {"limits": {"pids": 100}}}}, "services.web.deploy.resources.limits.pids"),
    ],
)
def test_a_key_that_a_stack_does_not_have_is_refused(body: dict[str, Any], place: str) -> None:
    assert refused(body) == [f"{place}: a stack cannot say it"]


@pytest.mark.parametrize(
    ("part", "said", "key"),
    [
        ("volume", {"nocopy": True, "subpath": "pg"}, "subpath"),
        ("tmpfs", {"size": "1000", "mode": 0o700}, "mode"),
        ("bind", {"propagation": "rslave", "recursive": "disabled"}, "recursive"),
        ("bind", {"selinux": "z", "create_host_path": True}, ""),
        ("volume", {}, ""),
    ],
)
def test_of_a_mount_nothing_goes_lost(part: str, said: dict[str, Any], key: str) -> None:
    mount = {"type": part, "source": "/etc/x", "target": "/x", "read_only": True, part: said}
    text = f"services.web.volumes: a stack cannot say {part}.{key} of the mount at /x"
    assert refused({"volumes": [mount]}) == ([text] if key else [])


def test_what_is_needed_if_it_is_there_restarts_nothing_where_it_is_not() -> None:
    body = {"depends_on": {"gone": {"restart": True, "required": False}}}
    assert refused(body) == []


@pytest.mark.parametrize(
    ("said", "options"),
    [
        ({"driver": "overlay", "driver_opts": {"encrypted": "true"}}, {"encrypted": "true"}),
        ({"driver_opts": {"com.docker.network.driver.mtu": 1400}}, {"com.docker.network.driver.mtu": "1400"}),
        ({"driver": "bridge", "driver_opts": {"com.docker.network.bridge.name": "br0"}}, None),
        ({}, None),
    ],
)
def test_a_network_is_as_safe_and_as_wide_as_it_was_written(
    said: dict[str, Any], options: dict[str, str] | None
) -> None:
    document = {"services": {"web": {"image": "w", "networks": {"net": None}}}, "networks": {"net": said}}
    settings = minimal(orchestrator="swarm", swarm={"registry": "registry.example/shop"})
    part = stack.part(document, "web", ServiceRecord("", "", "", digest="w@sha256:0"), settings)
    assert part.document["networks"]["net"].get("driver_opts") == options
