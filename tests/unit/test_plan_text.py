"""Every way's plan, as the text that an operator reads."""

from __future__ import annotations

import subprocess
from dataclasses import replace

import pytest
from kit import settings
from planning import ORDER, box, lines, release, running

from schedgen_ops.commands.docker import INGRESS, Docker
from schedgen_ops.orchestrators.compose import ComposeOrchestrator
from schedgen_ops.release.record import Release, ReleaseId
from schedgen_ops.rollout import planner, reach
from schedgen_ops.rollout.grouping import together
from schedgen_ops.rollout.operations import (
    Bring,
    Keep,
    Name,
    Operation,
    Remove,
    Retire,
    Revert,
    SetIngress,
    Unless,
    Untag,
)
from schedgen_ops.rollout.plan import Action, ServiceChange
from schedgen_ops.rollout.reach import CutOff, Join
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.versions import version, versions
from schedgen_ops.rollout.work_tree import CheckOut, GoBack
from schedgen_ops.shell import Command, sh

OLD, NEW = release("r1"), release("r2")


def test_a_release_of_which_all_differs_goes_on_by_what_needs_what() -> None:
    assert (
        lines(planner.forward(ORDER, NEW, OLD, running(OLD)))
        == """\
recreate db of r2: its image changed
start api of r2 beside what runs: its image changed
& start worker of r2 beside what runs: its image changed
start web of r2 beside what runs: its image changed"""
    )


def test_what_is_the_same_is_left_and_what_is_stopped_is_started() -> None:
    new = release("r2", ["web"])
    found = (*running(release("r1", []), "db", "api", "web"), box("worker", "r1", "base", status="exited"))
    assert (
        lines(planner.forward(ORDER, new, OLD, found, share=10))
        == """\
leave db as it is
leave api as it is
start web of r2 beside what runs, with 10% of the requests: its image changed
& start worker of r2 beside what runs: not running"""
    )


def test_a_rollback_starts_everything_at_once_that_may_stand_beside() -> None:
    assert (
        lines(planner.forward(ORDER, NEW, OLD, running(OLD), 101, together))
        == """\
recreate db of r2: its image changed
start api of r2 beside what runs: its image changed
& start web of r2 beside what runs: its image changed
& start worker of r2 beside what runs: its image changed"""
    )


def test_more_containers_than_one_are_told_and_what_is_not_built_yet_is_foreseen() -> None:
    new = release("r1", replicas={"api": 2})
    foreseen = {"api": "its image is built from api/a.js"}
    assert (
        lines(planner.forward(["api", "web"], new, OLD, running(OLD), foreseen=foreseen))
        == """\
leave web as it is
start api of r1 beside what runs, 2 containers: its image is built from api/a.js"""
    )


def test_a_verified_release_is_named_and_then_what_stood_by_goes() -> None:
    assert lines(planner.named(NEW, OLD, ["db", "api"])) == "name r2 as what serves"
    touched = ["db", "api", "worker"]
    assert planner.named(NEW, OLD, touched) == ((Name(ReleaseId("r2"), ("api", "worker"), ReleaseId("r1")),),)
    assert (
        lines(planner.settled(NEW, OLD, touched))
        == "retire what api of r2 replaced\n& retire what worker of r2 replaced"
    )
    assert planner.settled(NEW, OLD, ["db"]) == ()


def test_what_stands_by_is_cut_off_before_the_release_is_named_and_can_be_joined_again() -> None:
    touched = ["db", "api", "web", "worker"]
    both = running(OLD, "api", "worker") + running(NEW)
    # What had no container before is replaced by nothing.
    assert (
        lines(reach.cut_off(NEW, touched, both))
        == "cut off what api of r2 replaced\n& cut off what worker of r2 replaced"
    )
    assert reach.cut_off(NEW, touched, running(NEW)) == ()
    assert lines(reach.joined(NEW, ["db", "worker"])) == "join again what worker of r2 replaced"
    assert reach.joined(NEW, ["db"]) == ()


def test_who_restarts_with_a_service_is_replaced_after_it_and_finds_the_new_one_alone() -> None:
    def front(of: Release, *needs: str) -> Release:
        web = replace(of.services["web"], restarts_with=needs)
        return replace(of, services={**of.services, "web": web})

    old, new = front(release("r1", []), "api"), front(release("r2", ["api"]), "api")
    assert (
        lines(planner.forward(ORDER, new, old, running(old)))
        == """\
leave db as it is
leave worker as it is
start api of r2 beside what runs: its image changed
let the names of api of r2 lead to it alone
start web of r2 beside what runs: api, which it restarts with, is replaced"""
    )
    # Also where all goes at once, and where the other one was in an earlier tier.
    assert lines(planner.forward(["api", "web"], new, old, running(old), 101, together)).endswith(
        "lead to it alone\nstart web of r2 beside what runs: api, which it restarts with, is replaced"
    )
    assert (
        lines(planner.forward(["web"], new, old, running(old), replaced=["api"]))
        == """\
let the names of api of r2 lead to it alone
start web of r2 beside what runs: api, which it restarts with, is replaced"""
    )
    # What only starts takes nobody's place.
    gone = tuple(each for each in running(old) if each.service != "api")
    assert "leave web as it is" in lines(planner.forward(["api", "web"], old, old, gone))


def test_who_restarts_with_a_service_looks_it_up_anew_on_the_way_home() -> None:
    web = replace(
        OLD.services["web"], strategy="stop-first", proxies=(), restarts_with=("api",), image_id="base"
    )
    old, new = (replace(each, services={**each.services, "web": web}) for each in (OLD, NEW))
    found = (*running(old, "db", "api", "worker"), box("web", "r2", "base"))
    told = [lines(leg(found)) for leg in planner.homeward(old, [new], ORDER, touched=True)]
    assert told[2] == "recreate web of r1: put back\nname r1 as what serves"


def test_the_first_ingress_takes_the_ports_over_from_the_release_before() -> None:
    bare = tuple(each for each in running(OLD) if each.service != INGRESS)
    assert (
        lines(planner.ingress(NEW, OLD, bare))
        == "hand the ports of api, web over to the ingress\nset the ingress for api, web of r2"
    )
    assert lines(planner.ingress(NEW, OLD, running(OLD))) == "set the ingress for api, web of r2"
    assert lines(planner.ingress(NEW, None, ())) == "set the ingress for api, web of r2"
    assert planner.ingress(release("r2", without=["api", "web"]), OLD, running(OLD)) == ()


def test_the_ingress_goes_back_where_there_is_one_and_is_repaired_where_it_was_cut_off() -> None:
    bare = tuple(each for each in running(OLD) if each.service != INGRESS)
    by_hand = tuple(replace(each, release="") for each in bare)
    assert lines(planner.ingress_back(OLD, running(OLD))) == "set the ingress for api, web of r1"
    assert lines(planner.ingress_back(OLD, bare)) == "repair the ingress for api, web of r1"
    assert planner.ingress_back(OLD, by_hand) == ()
    assert planner.ingress_back(None, running(OLD)) == ()


def way(found: tuple[object, ...], *, touched: bool = False, old: object = OLD) -> list[str]:
    legs = planner.homeward(old, [NEW], ORDER, touched=touched)  # type: ignore[arg-type]
    return [lines(leg(found)) for leg in legs]  # type: ignore[arg-type]


def test_what_stands_by_serves_again_and_what_is_gone_is_put_back() -> None:
    both = running(OLD, "api", "web") + running(NEW, "api", "worker", "db")
    reverted, superseded, put_back, removed = way(both)
    assert (
        reverted
        == "let what api of r2 was to replace serve again\n& let what worker of r2 was to replace serve again"
    )
    assert superseded == "retire what api of r1 replaced"
    assert (
        put_back
        == """\
recreate db of r1: its image changed
name r1 as what serves
start api of r1 beside what runs: its image changed
& start worker of r1 beside what runs: its image changed
retire what api of r1 replaced
& retire what worker of r1 replaced
name r1 as what serves"""
    )
    assert removed == ""
    assert way(both, touched=True)[0].count("serve again") == 3


def test_what_a_run_takes_back_itself_goes_from_the_last_and_a_recovery_from_what_others_need() -> None:
    assert [line for line in way(running(NEW))[2].splitlines() if "r1" in line and "name" not in line] == [
        "recreate db of r1: its image changed",
        "start api of r1 beside what runs: its image changed",
        "& start worker of r1 beside what runs: its image changed",
        "retire what api of r1 replaced",
        "& retire what worker of r1 replaced",
        "start web of r1 beside what runs: its image changed",
        "retire what web of r1 replaced",
    ]
    assert way(running(NEW), touched=True)[2].startswith("start web of r1")
    assert way(running(NEW), touched=True)[2].endswith(
        "recreate db of r1: its image changed\nname r1 as what serves"
    )


def test_what_was_left_alone_for_its_data_is_never_two_at_once() -> None:
    left = replace(OLD.services["db"], strategy="left alone")
    old = replace(OLD, services={**OLD.services, "db": left})
    assert "recreate db of r1" in way(running(NEW), old=old)[2]
    told = lines(planner.forward(["db"], replace(old, id=ReleaseId("r3")), NEW, running(NEW), 101, together))
    assert told == "recreate db of r3: its image changed"
    assert together({**old.services})[0] == ("db",)


def test_a_recovery_looks_for_all_of_the_release_that_was_begun_whatever_today_s_tiers_name() -> None:
    both = running(OLD) + running(NEW, "web")
    (reverted, superseded, *_rest) = (lines(leg(both)) for leg in planner.homeward(OLD, [NEW], []))
    assert reverted == "let what web of r2 was to replace serve again"
    assert superseded == "retire what web of r1 replaced"


def test_what_its_owner_started_is_let_serve_again_and_is_not_removed() -> None:
    web = version(NEW, "web")
    assert web is not None
    way_back = Bring(web, None, ServiceChange("web", Action.REPLACE, "new")).inverse()
    assert list(map(str, way_back)) == [
        "let what web of r2 was to replace serve again",
        "remove web of r2, which was new",
    ]


def test_a_service_that_is_new_is_removed_on_the_way_back() -> None:
    old = release("r1", without=["worker"])
    found = (*running(old), box("worker", "r2", "r2"))
    assert way(found, old=old) == [
        "let what worker of r2 was to replace serve again",
        "",
        "",
        "remove worker of r2, which was new",
    ]
    assert way(running(NEW), old=None)[2:] == [
        "",
        "\n".join(f"remove {name} of r2, which was new" for name in ORDER),
    ]


def test_where_no_run_was_cut_off_only_what_is_beside_a_whole_release_goes() -> None:
    both = running(OLD) + running(NEW)
    legs = planner.homeward(OLD, [], ORDER)
    assert [lines(leg(both)) for leg in legs] == [
        "\n".join(
            (
                "retire what api of r1 replaced",
                "& retire what web of r1 replaced",
                "& retire what worker of r1 replaced",
            )
        )
    ]


def test_a_host_that_goes_back_by_itself_tries_first_what_may_stand_by() -> None:
    old = release("r1", without=["worker"])
    assert (
        lines(planner.unattended(NEW, old, ["api", "db", "worker"], GoBack("a" * 40, "main")))
        == """\
go back to main
& let what api of r2 was to replace serve again
& let what worker of r2 was to replace serve again
let what api of r2 was to replace serve again; or else start api of r1 beside what runs: put back; \
then retire what api of r1 replaced; then name r1 as what serves
recreate db of r1: put back
let what worker of r2 was to replace serve again; or else remove worker of r2, which was new
set the ingress for api, web of r1
untag p-db:r2, p-api:r2, p-web:r2, p-worker:r2"""
    )


@pytest.mark.parametrize(
    ("stands", "runs"), [("true", "revert"), ("false", "revert start retire name replaced")]
)
def test_what_is_put_back_unless_it_stands_by_is_one_line_of_shell(stands: str, runs: str) -> None:
    """The operations' own commands are stood in for: what counts is which of them run, and in what order."""

    class Told(OperationRenderer):
        def __call__(self, operation: Operation) -> Command:
            if isinstance(operation, Unless):
                return super().__call__(operation)
            word = {Revert: "revert", Bring: "start", Retire: "retire", Name: "name"}[type(operation)]
            told = sh("echo", word)
            return told.and_then(sh(stands)) if word == "revert" else told

    before = version(OLD, "api")
    assert before is not None
    then = (Bring(before, API, WHY), Retire(before), Name(ReleaseId("r1"), ("api",)))
    command = Told(ComposeOrchestrator(Docker(), "p", "/srv/p"), settings())(
        Unless(Revert(API, before), then)
    )
    assert subprocess.check_output(["bash", "-c", command.text], text=True).split() == runs.split()


API, WORKER, DB = versions(NEW, ["api", "worker", "db"])
BEFORE = version(OLD, "api")
WHY = ServiceChange("api", Action.REPLACE, "its image changed")


@pytest.mark.parametrize(
    ("operation", "inverse"),
    [
        (CheckOut("b" * 40, ("a" * 40, "main")), "go back to main"),
        (GoBack("a" * 40, leaves="b" * 40), "check out bbbbbbbbbbbb"),
        (SetIngress((API,), versions(OLD, ["api"])), "set the ingress for api of r1"),
        (SetIngress((API,), first=True), ""),
        (Bring(API, BEFORE, WHY), "let what api of r2 was to replace serve again"),
        (Bring(WORKER, version(OLD, "worker"), WHY), "let what worker of r2 was to replace serve again"),
        (
            Bring(WORKER, None, WHY),
            "let what worker of r2 was to replace serve again\n& remove worker of r2, which was new",
        ),
        (CutOff(API), "join again what api of r2 replaced"),
        (CutOff(API, names=True), "join again what api of r2 replaced"),
        (Join((API, WORKER)), "cut off what api of r2 replaced\n& cut off what worker of r2 replaced"),
        (Bring(DB, version(OLD, "db"), WHY), "recreate db of r1: put back"),
        (Revert(API, BEFORE), "start api of r2 beside what runs: put back"),
        (Retire(API, BEFORE), "start api of r1 beside what runs: put back"),
        (Remove(WORKER), "start worker of r2 beside what runs: put back"),
        (Name(ReleaseId("r2"), (), ReleaseId("r1")), "name r1 as what serves"),
        (Keep(WHY), ""),
        (Untag(("p-api:r2",)), ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_operation_knows_what_takes_it_back(operation: Operation, inverse: str) -> None:
    assert lines((operation.inverse(),)) == inverse
    assert str(operation)
