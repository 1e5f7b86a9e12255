"""What `docker stack deploy` is given for a service, and what of a compose file it cannot be given."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import quickly
from swarm_kit import DIGEST, DOCUMENT, document, record, services, swarm

from schedgen_ops.checklist.stacked import judged
from schedgen_ops.orchestrators.swarm import gate, stack
from schedgen_ops.orchestrators.swarm.fitting import misfits
from schedgen_ops.orchestrators.swarm.stack import Content

PAGE = "<p>later"
CONTENTS = (
    Content("configs", "motd", "/srv/shop/motd", "a" * 64),
    Content("secrets", "key", "/srv/shop/key", "b" * 64),
)


def web(**changes: Any) -> dict[str, Any]:
    part = stack.part(document(**changes), "web", record(), swarm(), CONTENTS)
    return dict(part.document["services"]["web"])


def refused(written: dict[str, Any]) -> list[str]:
    return [str(each) for each in misfits(written, services(written), "/srv/shop")]


def test_a_service_is_told_to_a_stack_as_its_compose_file_has_it() -> None:
    part = stack.part(DOCUMENT, "web", record(), swarm(), CONTENTS)
    service = dict(part.document["services"]["web"])
    labels = service.pop("labels")
    assert service == {
        "image": DIGEST,
        "environment": {"WORD": "cost$$5"},
        "healthcheck": {"test": ["CMD", "true"], "interval": "1s"},
        "networks": {"default": {"aliases": ["site"]}},
        "configs": [{"source": "motd", "target": "/motd"}],
        "secrets": [{"source": "key", "target": "/run/secrets/key", "mode": 0o440}],
        "deploy": {
            "replicas": 2,
            "endpoint_mode": "dnsrr",
            "labels": {"schedgen.project": "shop"},
            "update_config": {
                "parallelism": 1,
                "order": "start-first",
                "failure_action": "pause",
                "max_failure_ratio": 0,
                "monitor": "5s",
            },
            "restart_policy": {"condition": "any"},
            "resources": {
                "limits": {"cpus": "0.5", "memory": "536870912"},
                "reservations": {"memory": "1048576"},
            },
        },
    }
    assert labels["schedgen.definition"] == part.definition
    assert labels["com.docker.compose.service"] == "web"
    assert part.document["networks"]["default"]["driver"] == "overlay"
    assert part.document["configs"]["motd"] == {"external": True, "name": "shop_motd_aaaaaaaaaaaa"}
    assert part.document["secrets"]["key"] == {"external": True, "name": "shop_key_bbbbbbbbbbbb"}
    assert "ports" not in service, "the ingress has them"


def test_what_holds_state_is_stopped_first_on_the_node_that_has_its_volume() -> None:
    part = stack.part(DOCUMENT, "store", record("stop-first"), swarm(), (), "node1")
    said = part.document["services"]["store"]["deploy"]
    assert said["update_config"]["order"] == "stop-first"
    assert said["placement"] == {"constraints": ["node.id == node1"]}
    assert part.document["volumes"] == {"data": {"name": "shop_data"}}


def test_a_job_is_started_once_and_never_again() -> None:
    said = stack.part(DOCUMENT, "web", record("job"), swarm()).document["services"]["web"]["deploy"]
    assert said["restart_policy"] == {"condition": "none"}
    assert said["replicas"] == 1


def test_other_content_is_another_config_and_another_definition() -> None:
    before = stack.part(DOCUMENT, "web", record(), swarm(), CONTENTS)
    other = (Content("configs", "motd", "/srv/shop/motd", "c" * 64), CONTENTS[1])
    after = stack.part(DOCUMENT, "web", record(), swarm(), other)
    assert after.document["configs"]["motd"]["name"] == "shop_motd_cccccccccccc"
    assert after.definition != before.definition
    assert stack.part(DOCUMENT, "web", record(), swarm(), CONTENTS).text == before.text, "going back finds it"


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"container_name": "web"}, "services.web.container_name"),
        ({"network_mode": "host"}, "services.web.network_mode"),
        ({"privileged": True}, "services.web.privileged"),
        ({"devices": [{"source": "/dev/x", "target": "/dev/x"}]}, "services.web.devices"),
        (
            {"networks": {"default": {"ipv4_address": "10.0.0.9"}}},
            "services.web.networks.default.ipv4_address",
        ),
        (
            {"depends_on": {"store": {"condition": "service_started", "restart": True}}},
            "depends_on.store.restart",
        ),
        ({"deploy": {"mode": "global-job"}}, "services.web.deploy.mode"),
        (
            {"ports": [{"target": 8000, "published": "3000", "protocol": "udp"}]},
            "services.web.ports: on a Swarm ports are published by the ingress",
        ),
        (
            {"ports": [{"target": 8000, "published": "3000", "host_ip": "127.0.0.1"}]},
            "services.web.ports: a Swarm publishes 3000 on every address",
        ),
        (
            {
                "volumes": [
                    {"type": "bind", "source": "/srv/shop/site.conf", "target": "/x", "read_only": True}
                ]
            },
            "/srv/shop/site.conf is in the project's folder",
        ),
        ({"volumes": [{"type": "bind", "source": "/data", "target": "/x"}]}, "/data may be written to"),
        ({"volumes": [{"type": "volume", "target": "/x"}]}, "/x is a volume of each container's own"),
        (
            {"volumes": [{"type": "volume", "source": "data", "target": "/x"}]},
            "several containers with a volume",
        ),
    ],
)
def test_what_a_stack_cannot_express_is_refused_by_its_name(changes: dict[str, Any], place: str) -> None:
    assert any(place in each for each in refused(document(**changes))), refused(document(**changes))


def test_the_rest_of_the_file_is_looked_at_too() -> None:
    written = document()
    written["networks"]["default"] = {"driver": "macvlan"}
    written["secrets"]["key"] = {"environment": "KEY"}
    found = refused(written)
    assert "networks.default.driver: a network of a Swarm is an overlay, not macvlan" in found
    assert "secrets.key: a Swarm takes it from a file" in found


def test_a_file_that_fits_passes_its_box_and_one_that_does_not_refuses_the_deploy() -> None:
    assert list(judged(swarm(), json.dumps(DOCUMENT))) == ["all that it says"]
    (problem,) = judged(swarm(), json.dumps(document(container_name="web")))
    assert not isinstance(problem, str)
    assert problem.refuses
    assert "container_name" in problem.text


@quickly
@given(st.from_regex(r"[a-z]{3,12}_[a-z]{3,8}", fullmatch=True), st.text(min_size=1))
def test_no_key_goes_lost_without_a_word(key: str, value: str) -> None:
    """Whatever a compose file says of a service is told to the stack, done by a deploy, or refused."""
    written = document(**{key: value})
    known = key in {
        "extra_hosts",
        "read_only",
        "stop_signal",
        "env_file",
        "pull_policy",
        "cap_add",
        "cap_drop",
    }
    assert known or any(f"services.web.{key}" in each for each in refused(written))


@quickly
@given(st.dictionaries(st.sampled_from(["hostname", "user", "init", "tty", "labels"]), st.just("x")))
def test_a_definition_changes_exactly_when_what_is_said_does(changes: dict[str, str]) -> None:
    same = stack.part(document(**changes), "web", record(), swarm(), CONTENTS)
    assert (same.definition == stack.part(DOCUMENT, "web", record(), swarm(), CONTENTS).definition) == (
        not changes
    )


def test_the_ingress_leads_to_tasks_on_every_node() -> None:
    settings = swarm(
        checks=[{"name": "web", "url": "http://localhost:3000/health"}],
        swarm={"registry": "registry:5000", "ingress_on": ["node.labels.web==yes"]},
    )
    found = gate.behind(services(DOCUMENT), settings)
    made = gate.gate(found, services(DOCUMENT), DOCUMENT, settings, "registry:5000/haproxy@sha256:2", PAGE)
    assert made is not None
    assert PAGE in {text for name, text in made.texts.items() if "maintenance.html" in name}
    body = made.part.document["services"]["schedgen-ingress"]
    assert body["ports"] == [{"target": 3000, "published": 3000, "protocol": "tcp", "mode": "host"}]
    assert body["deploy"]["mode"] == "global"
    assert body["deploy"]["update_config"]["order"] == "stop-first", "one port is one container's"
    assert body["deploy"]["placement"] == {"constraints": ["node.labels.web==yes"]}
    (config,) = (text for name, text in made.texts.items() if "haproxy.cfg" in name)
    assert "server-template s 10 tasks.shop_web:8000" in config
    assert "uri '/health'" in config
    assert {each["name"] for each in made.part.document["configs"].values()} == {*made.texts}


def test_a_port_of_which_nothing_says_that_it_speaks_http_is_passed_as_it_comes() -> None:
    (plain,) = gate.behind(services(DOCUMENT), swarm())
    (said,) = gate.behind(services(DOCUMENT), swarm(ingress={"http": [3000]}))
    assert (plain.raw, said.raw) == (True, False)
    assert gate.gate((), (), DOCUMENT, swarm(), "", PAGE) is None


def test_the_ingress_has_room_for_the_old_and_the_new_containers_of_a_service() -> None:
    written = document(deploy={"replicas": 12})
    settings = swarm()
    made = gate.gate(
        gate.behind(services(written), settings), services(written), written, settings, "x@sha256:2", PAGE
    )
    assert made is not None
    assert any("server-template s 36 tasks.shop_web:8000" in text for text in made.texts.values())
