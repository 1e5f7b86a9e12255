"""Which services a release replaces, and how a service is replaced."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from fakes import FakeHost, result
from hypothesis import given
from hypothesis import strategies as st
from kit import quickly, settings

from schedgen_ops.commands.compose import Service
from schedgen_ops.commands.docker import Container, Docker
from schedgen_ops.errors import OpsError
from schedgen_ops.orchestrators.compose import ComposeOrchestrator
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State, kept
from schedgen_ops.rollout import plan, run
from schedgen_ops.rollout.operations import Bring, Remove
from schedgen_ops.rollout.plan import Action, ServiceChange
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.versions import Version

BOX = Container(
    id="1",
    name="schedgen-web-1",
    service="web",
    image="sha256:a",
    image_name="web",
    status="running",
    health="healthy",
    started="",
    restarts=0,
    exit_code=0,
    oom_killed=False,
    definition="d1",
    written="w1",
    release="r1",
)
WANTED = ServiceRecord("schedgen-web:r2", "sha256:a", "d1", "w1")
SERVICE = Service("web", "web:1", "", (), (), 1, "w1")


def change(
    wanted: ServiceRecord = WANTED, *boxes: Container, serving: Release | None = None
) -> ServiceChange:
    return plan.changes(["web"], {"web": wanted}, boxes, serving)[0]


def served(definition: str, written: str) -> Release:
    record = ServiceRecord("schedgen-web:r1", "sha256:a", definition, written)
    return Release(ReleaseId("r1"), "main", "a" * 40, State.ADOPTED, services={"web": record})


@pytest.mark.parametrize(
    ("box", "expected"),
    [
        (BOX, ServiceChange("web", Action.KEEP)),
        (replace(BOX, image="sha256:b"), ServiceChange("web", Action.REPLACE, "its image changed")),
        (replace(BOX, definition="d2"), ServiceChange("web", Action.REPLACE, "its definition changed")),
        (replace(BOX, status="exited"), ServiceChange("web", Action.START, "not running")),
        (replace(BOX, service="other"), ServiceChange("web", Action.START, "not there yet")),
    ],
)
def test_a_service_is_touched_for_a_reason(box: Container, expected: ServiceChange) -> None:
    assert change(WANTED, box) == expected


def test_one_container_of_several_that_differs_is_reason_enough() -> None:
    assert change(WANTED, BOX, replace(BOX, image="sha256:b")).touches


def test_a_container_too_many_or_too_few_is_reason_enough() -> None:
    assert change(WANTED, BOX, BOX).reason == "2 containers instead of 1"
    assert change(replace(WANTED, replicas=2), BOX).reason == "1 containers instead of 2"
    assert not change(replace(WANTED, replicas=2), BOX, BOX).touches


def test_a_service_that_the_release_has_not_is_passed_over() -> None:
    assert plan.changes(["web", "gone"], {"web": WANTED}, [BOX]) == (ServiceChange("web", Action.KEEP),)


def test_the_order_is_the_one_that_was_asked_for() -> None:
    wanted = {"a": WANTED, "b": WANTED, "c": WANTED}
    assert [found.service for found in plan.changes(["c", "a", "b"], wanted, [])] == ["c", "a", "b"]


def test_a_container_that_compose_started_is_known_by_what_its_owner_wrote() -> None:
    ours = replace(BOX, definition="", release="")
    assert not change(replace(WANTED, definition="w1"), ours).touches
    assert change(replace(WANTED, definition="w2"), ours).touches


def test_a_mounted_file_of_a_container_that_compose_started_is_known_by_the_record() -> None:
    ours = replace(BOX, definition="", release="")
    wanted = replace(WANTED, definition="with the file")
    assert change(wanted, ours).touches
    assert not change(wanted, ours, serving=served("with the file", "w1")).touches
    assert change(wanted, ours, serving=served("with another file", "w1")).touches
    assert change(wanted, ours, serving=served("with the file", "w0")).touches


IDS = st.sampled_from(["a", "b"])
BOXES = st.lists(
    st.builds(
        lambda image, definition, written, status: replace(
            BOX, image=image, definition=definition, written=written, status=status
        ),
        IDS,
        st.sampled_from(["a", "b", ""]),
        IDS,
        st.sampled_from(["running", "exited", "created", "restarting", "paused"]),
    ),
    max_size=3,
)


@quickly
@given(BOXES, IDS, IDS)
def test_the_same_image_and_definition_is_never_touched_and_anything_else_always(
    boxes: list[Container], image: str, definition: str
) -> None:
    same = bool(boxes) and all(
        (box.image, box.definition or box.written, box.status) == (image, definition, "running")
        for box in boxes
    )
    wanted = ServiceRecord("x:1", image, definition, definition, replicas=max(1, len(boxes)))
    assert change(wanted, *boxes).touches is not same


def test_an_image_is_named_after_project_service_and_release() -> None:
    assert (
        plan.image_name("schedgen", "web", ReleaseId("20250115_120000-abc1234"))
        == "schedgen-web:20250115_120000-abc1234"
    )
    assert plan.image_name("p", "web", ReleaseId("a/b c")) == "p-web:a-b-c"


def test_a_definition_without_mounted_files_is_composes_own() -> None:
    assert plan.definition(SERVICE, {"monitoring/p.yml": "1"}, "/srv/p") == "w1"


def test_a_mounted_file_that_git_tracks_is_part_of_the_definition() -> None:
    service = replace(SERVICE, mounts=("/srv/p/monitoring/p.yml", "/etc/hosts", "/srv/p/data"))
    first = plan.definition(service, {"monitoring/p.yml": "1"}, "/srv/p")
    assert first != plan.definition(service, {"monitoring/p.yml": "2"}, "/srv/p/")
    assert first == plan.definition(service, {"monitoring/p.yml": "1", "unrelated": "9"}, "/srv/p")
    assert plan.definition(service, {}, "/srv/p") == "w1"


def test_only_mounts_of_the_project_are_looked_up_in_git() -> None:
    services = [
        replace(SERVICE, mounts=("/srv/p/b", "/etc/hosts")),
        replace(SERVICE, mounts=("/srv/p/a", "/var/project/x", "/srv/p/b")),
    ]
    assert plan.mounted(services, "/srv/p/") == ("a", "b")


def test_the_directory_itself_and_what_is_around_it_may_be_the_projects_own_too() -> None:
    services = [replace(SERVICE, mounts=("/srv/p/deploy", "/srv/p", "/srv/p/src", "/srv/p/deploy/x"))]
    assert plan.mounted(services, "/srv/p/deploy") == (".", "..", "../src", "x")


def test_the_overlay_gives_each_service_its_own_image_and_our_labels() -> None:
    assert json.loads(plan.overlay({"web": WANTED}, ReleaseId("r2"))) == {
        "services": {
            "web": {
                "image": "schedgen-web:r2",
                "pull_policy": "never",
                "labels": {"schedgen.release": "r2", "schedgen.definition": "d1"},
            }
        }
    }


def test_services_that_run_without_being_in_the_release_are_told() -> None:
    boxes = [BOX, replace(BOX, service="old"), replace(BOX, service="older"), replace(BOX, service="old")]
    assert plan.removed(boxes, {"web"}) == ("old", "older")


def _release(name: str, state: State) -> Release:
    services = {
        s: ServiceRecord(plan.image_name("p", s, ReleaseId(name)), f"sha256:{name}", "d")
        for s in ("web", "db")
    }
    return Release(ReleaseId(name), "main", "a" * 40, state, services=services)


@quickly
@given(
    st.dictionaries(st.integers(1, 9).map(str), st.sampled_from(State), max_size=9),
    st.integers(1, 4),
    st.integers(1, 9).map(str),
)
def test_no_name_that_a_kept_release_needs_is_dropped_and_nothing_of_anybody_else(
    states: dict[str, State], count: int, current: str
) -> None:
    releases = tuple(_release(name, state) for name, state in states.items())
    keep = kept(releases, ReleaseId(current), count)
    needed = {record.image for release in keep for record in release.services.values()}
    ours = {record.image for release in releases for record in release.services.values()}
    others = {"p-web:latest", "p-web:v1", "other-web:1", "q:1", "p:1", "p-web:<none>"}
    images = dict.fromkeys(ours | others, "sha256:x")
    dropped = set(plan.names_to_drop(images, keep, "p", {ReleaseId(name) for name in states}))
    assert dropped == ours - needed


COMMANDS = OperationRenderer(ComposeOrchestrator(Docker(), "schedgen", "/srv/schedgen"), settings())
WEB = Version("web", ReleaseId("r1"), WANTED)
WHY = ServiceChange("web", Action.REPLACE, "its image changed")
IN_PLACE = Bring(WEB, None, WHY)


def test_a_service_that_gets_healthy_tells_how_long_it_took() -> None:
    host = FakeHost(answers={"docker compose up web": result(seconds=3.5)})
    assert run.start(host, COMMANDS, IN_PLACE, lambda line: None) == 3.5
    assert host.deadlines[0] > 300


def test_a_service_that_does_not_get_healthy_fails_with_the_end_of_its_log() -> None:
    sick = result(stderr="Creating\ncontainer web-1 is unhealthy", code=1, seconds=300)
    logs = result("ready\nError: no such table\n")
    host = FakeHost(answers={"docker compose up web": sick, _is_logs: logs})
    shown: list[str] = []
    with pytest.raises(OpsError) as caught:
        run.start(host, COMMANDS, IN_PLACE, shown.append)
    assert caught.value.message == "Service web failed health check after 300s"
    assert caught.value.host == "app1"
    assert caught.value.detail == "container web-1 is unhealthy\nready\nError: no such table"
    assert shown == ["web | ready", "web | Error: no such table"]


def _is_logs(command: object) -> bool:
    return " logs " in str(getattr(command, "text", ""))


def test_a_log_that_cannot_be_read_hides_no_failure() -> None:
    host = FakeHost(answers={"docker compose up web": 1, _is_logs: 1})
    with pytest.raises(OpsError, match="failed health check"):
        run.start(host, COMMANDS, IN_PLACE, lambda line: None)


def test_a_service_that_was_new_is_stopped_and_removed() -> None:
    host = FakeHost(answers={lambda command: command.script == "rollout/remove": ""})
    run.remove(host, COMMANDS, Remove(WEB))
    (asked,) = host.commands
    assert (dict(asked.values)["service"], dict(asked.values)["release"]) == ("web", WEB.release_id)
