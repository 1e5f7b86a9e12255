"""The scripts that replace containers, run for real by bash on an engine made of files."""

from __future__ import annotations

import shlex
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from engine_stub import PROXY, Engine
from handover_kit import adopt, services
from kit import parses

from schedgen_ops import host_scripts
from schedgen_ops.commands.docker import Docker
from schedgen_ops.host_scripts import program
from schedgen_ops.orchestrators.compose import ComposeOrchestrator
from schedgen_ops.orchestrators.contract import ALL
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State, to_json
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, assignment

WORKER = ServiceRecord("p-worker:r2", "id", "d", strategy="start-first")
RELEASE = Release(ReleaseId("r2"), "v2", "b" * 40, State.DONE)
SITE = ServiceRecord("p-web:r2", "id", "d", strategy="ingress", proxies=("web_80",))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return Engine(tmp_path)


def beside(
    engine: Engine, record: ServiceRecord = WORKER, service: str = "worker", health: int = 20
) -> Result:
    engine.say(release="r2")
    folder = str(engine.state / "releases/r2")
    Path(folder).mkdir(parents=True, exist_ok=True)
    state = str(engine.state)
    return engine.run(engine.compose.start_beside(state, folder, service, record, health, proxy=PROXY))


def end(
    engine: Engine, release: str = "r2", *, back: bool = False, of: tuple[str, ServiceRecord] = ("web", SITE)
) -> Result:
    command = engine.compose.retire(
        str(engine.state), *of, 1, proxy=PROXY, release_id=ReleaseId(release), back=back
    )
    return engine.run(command)


def cut_off(engine: Engine, *, names: bool = False) -> Result:
    asked = engine.compose.cut_off(
        str(engine.state), "web", SITE, 1, proxy=PROXY, release_id=ReleaseId("r2"), names=names
    )
    return engine.run(asked)


def networks(engine: Engine) -> list[str]:
    """What was asked of networks, in order."""
    return [line.removeprefix("network ") for line in engine.log if line.startswith("network ")]


def test_only_containers_of_the_release_are_removed(engine: Engine) -> None:
    engine.has("worker")
    engine.say(release="r2")
    engine.has("worker", "web")
    command = engine.compose.remove(str(engine.state), "worker", release_id=ReleaseId("r2"))
    assert engine.run(command).ok
    assert services(engine) == ["worker r1", "web r2"]
    assert engine.run(command).ok


# New beside old


def test_new_containers_take_over_and_the_old_ones_stand_by_under_no_name(engine: Engine) -> None:
    engine.has("worker", "other")
    answer = beside(engine)
    assert answer.ok, answer
    assert services(engine) == ["worker r1", "other r1", "worker r2"]
    assert networks(engine) == ["disconnect net 1", "connect net 1"]
    assert engine.log.index("made 3 worker") < engine.log.index("network disconnect net 1")
    # A reboot brings back the old ones alone.
    assert "update --restart no 3" in engine.log
    assert end(engine, of=("worker", WORKER)).ok
    assert services(engine) == ["other r1", "worker r2"]


def test_old_containers_without_an_ingress_are_found_by_their_names_again(engine: Engine) -> None:
    engine.has("worker")
    assert beside(engine).ok
    assert end(engine, back=True, of=("worker", WORKER)).ok
    assert services(engine) == ["worker r1"]
    assert networks(engine)[2:] == ["disconnect net 1", "connect --alias worker net 1"]
    assert not list((engine.state / "cut").iterdir())


def test_the_count_is_the_one_that_the_release_wants(engine: Engine) -> None:
    engine.has("worker", "worker")
    three = ServiceRecord("i", "id", "d", replicas=3, strategy="start-first")
    assert beside(engine, three).ok
    assert services(engine) == ["worker r1"] * 2 + ["worker r2"] * 3


def test_a_service_that_is_new_just_starts(engine: Engine) -> None:
    assert beside(engine).ok
    assert services(engine) == ["worker r2"]


def test_the_old_ones_serve_until_the_new_one_is_healthy(engine: Engine) -> None:
    engine.has("worker")
    engine.say(health_worker="starting", event="healthy")
    answer = beside(engine)
    assert answer.ok, answer
    assert services(engine) == ["worker r1", "worker r2"]


def test_a_healthcheck_is_made_at_once_and_not_after_its_whole_interval(engine: Engine) -> None:
    engine.has("worker")
    engine.say(health_worker="starting", check_worker="passes")
    assert beside(engine).ok
    assert engine.log.count("own 2") == 1
    assert services(engine) == ["worker r1", "worker r2"]
    # Docker's own word may still be to come when the old ones go.
    assert end(engine, of=("worker", WORKER)).ok
    assert services(engine) == ["worker r2"]


@pytest.mark.parametrize("check", ["fails", "hangs"])
def test_a_healthcheck_that_does_not_pass_is_left_to_docker(engine: Engine, check: str) -> None:
    engine.has("worker")
    engine.say(health_worker="starting", check_worker=check)
    answer = beside(engine, health=2)
    assert "was not healthy after 2s" in answer.stderr
    assert engine.log.count("own 2") == (1 if check == "hangs" else 0)
    # What is asked is looked up once, however often it is asked.
    assert engine.log.count("words of 2") == 1
    assert services(engine) == ["worker r1"]


def test_old_containers_that_could_not_serve_do_not_stand_by(engine: Engine) -> None:
    engine.has("worker", "worker")
    (engine.root / "containers/1").write_text("worker exited unhealthy r1\n")
    assert beside(engine).ok
    assert engine.containers.keys() == {"2", "3"}


SICK = {
    "unhealthy": ({"health_worker": "unhealthy"}, "is unhealthy"),
    "unhealthy later": ({"health_worker": "starting", "event": "unhealthy"}, "is unhealthy"),
    "never healthy": ({"health_worker": "starting"}, "was not healthy after 1s"),
    "not even started": ({"broken": "yes"}, "could not be started"),
}


@pytest.mark.parametrize(("behaviour", "reason"), SICK.values(), ids=SICK.keys())
def test_a_service_that_does_not_get_healthy_never_touches_the_old_one(
    engine: Engine, behaviour: dict[str, str], reason: str
) -> None:
    engine.has("worker", "other")
    before = engine.containers
    engine.say(**behaviour)
    answer = beside(engine, health=1)
    assert answer.code == 1
    assert answer.stderr.splitlines()[-1] == reason
    assert engine.containers == before
    touched = [line.split() for line in engine.log if line.split()[0] in ("stop", "rm", "kill", "start")]
    assert all(word not in before for _, *words in touched for word in words)


def test_the_end_of_its_log_is_told(engine: Engine) -> None:
    engine.has("worker")
    engine.say(health_worker="unhealthy")
    assert "say worker | out of luck" in beside(engine).lines()


# What cannot be seen is neither good nor bad


def test_events_that_end_early_are_asked_for_again(engine: Engine) -> None:
    engine.has("worker")
    engine.say(health_worker="starting", cuts="1", event="healthy")
    answer = beside(engine)
    assert answer.ok, answer
    assert services(engine) == ["worker r1", "worker r2"]


def test_events_that_end_early_are_no_good_end(engine: Engine) -> None:
    engine.has("worker")
    engine.say(health_worker="starting", cuts="9")
    answer = beside(engine, health=1)
    assert answer.stderr.splitlines()[-1] == "was not healthy after 1s"
    assert services(engine) == ["worker r1"]


def test_an_engine_that_is_restarted_meanwhile_is_waited_for(engine: Engine) -> None:
    engine.has("worker")
    engine.say(leaves="3")
    answer = beside(engine)
    assert answer.ok, answer
    assert services(engine) == ["worker r1", "worker r2"]


@pytest.mark.parametrize("verb", ["ps", "inspect"])
def test_what_docker_does_not_tell_is_not_taken_for_nothing(engine: Engine, verb: str) -> None:
    engine.has("worker")
    engine.say(refuses=verb)
    assert not beside(engine, health=1).ok
    assert services(engine) == ["worker r1"]


def test_old_containers_that_cannot_be_removed_are_not_said_to_be_gone(engine: Engine) -> None:
    engine.has("worker")
    assert beside(engine).ok
    engine.say(refuses="rm")
    answer = end(engine, of=("worker", WORKER))
    assert not answer.ok
    assert answer.stderr.splitlines()[-1] == "containers could not be removed"


# Behind the ingress


@pytest.fixture
def gated(engine: Engine) -> Engine:
    engine.has("schedgen-ingress", "web")
    engine.say(proxies="web_80")
    return engine


def test_one_that_the_ingress_has_not_checked_yet_is_not_seen(gated: Engine) -> None:
    gated.say(unchecked="yes")
    threading.Timer(1.5, (gated.root / "unchecked").unlink).start()
    begun = time.monotonic()
    assert beside(gated, SITE, "web").ok
    assert time.monotonic() - begun > 1.5


@pytest.mark.parametrize("family", ["ipv4", "ipv6"])
def test_behind_the_ingress_the_old_containers_stand_by(gated: Engine, family: str) -> None:
    gated.say(**{family: "yes"})
    answer = beside(gated, SITE, "web")
    assert answer.ok, answer
    assert services(gated) == ["schedgen-ingress r1", "web r1", "web r2"]
    asked = [line for line in gated.log if line.startswith("ask ")]
    # No request goes to an address where nothing answers yet.
    assert asked[0] == "ask set weight web_80/s9 0;"
    assert gated.log.index(asked[0]) < gated.log.index("made 3 web")
    assert asked[1:] == ["ask set weight web_80/s2 100%;set weight web_80/s1 1;"]


def test_a_way_to_the_ingress_that_breaks_is_opened_again(gated: Engine) -> None:
    gated.say(fickle="yes")
    assert beside(gated, SITE, "web").ok
    asked = [line for line in gated.log if line.startswith("ask ")]
    assert asked == ["ask set weight web_80/s9 0;", "ask set weight web_80/s2 100%;set weight web_80/s1 1;"]


def test_old_containers_that_are_not_wanted_any_more_get_nothing(gated: Engine) -> None:
    gated.say(release="r2")
    folder = str(gated.state / "releases/r2")
    Path(folder).mkdir(parents=True)
    command = gated.compose.start_beside(str(gated.state), folder, "web", SITE, 20, proxy=PROXY, share=ALL)
    assert gated.run(command).ok
    assert "ask set weight web_80/s2 100%;set weight web_80/s1 0;" in gated.log


def test_a_service_that_is_not_well_behind_the_ingress_leaves_it_as_it_was(gated: Engine) -> None:
    before = gated.containers
    gated.say(health_web="unhealthy")
    assert beside(gated, SITE, "web").code == 1
    assert gated.containers == before
    assert gated.log[-1].startswith("ask set weight web_80/")
    assert gated.log[-1].endswith(" 100%;")


@pytest.fixture
def both(gated: Engine) -> Engine:
    """Containers of the old release (2) and of the new one (3)."""
    gated.say(release="r2")
    gated.has("web")
    return gated


def test_in_the_end_the_old_ones_are_drained_and_go(both: Engine) -> None:
    answer = end(both)
    assert answer.ok, answer
    assert services(both) == ["schedgen-ingress r1", "web r2"]
    orders = "set server web_80/s2 state ready;set weight web_80/s2 100%;set server web_80/s1 state drain;"
    drained = both.log.index(f"ask {orders}")
    assert drained < both.log.index("stop 2") < both.log.index("rm 2")
    assert any("state ready" in line for line in both.log[both.log.index("rm 2") :])


def test_or_the_new_ones_go_and_the_old_ones_serve_again(both: Engine) -> None:
    answer = end(both, back=True)
    assert answer.ok, answer
    assert services(both) == ["schedgen-ingress r1", "web r1"]
    assert "stop 2" not in both.log


def test_old_containers_that_are_not_well_are_not_gone_back_to(both: Engine) -> None:
    (both.root / "containers/2").write_text("web exited unhealthy r1\n")
    assert end(both, back=True).code == 10
    assert services(both) == ["schedgen-ingress r1", "web r2"]


@pytest.mark.parametrize("back", [False, True])
def test_ending_twice_changes_nothing_more(both: Engine, back: bool) -> None:
    assert end(both, back=back).ok
    before = both.containers
    assert end(both, back=back).ok
    assert both.containers == before


# Out of reach, before they go


def test_who_is_cut_off_gets_no_request_and_goes_on_running(both: Engine) -> None:
    answer = cut_off(both)
    assert answer.ok, answer
    assert services(both) == ["schedgen-ingress r1", "web r1", "web r2"]
    assert networks(both) == ["disconnect net 2"]
    drained = next(line for line in both.log if "state drain" in line)
    assert both.log.index(drained) < both.log.index("network disconnect net 2")
    # What it had begun can end, and nobody finds it by a name.
    assert end(both).ok
    assert networks(both) == ["disconnect net 2", "connect net 2"]
    assert both.log.index("network connect net 2") < both.log.index("stop 2")
    assert services(both) == ["schedgen-ingress r1", "web r2"]
    assert not list((both.state / "cut").iterdir())


def test_all_services_get_their_addresses_again_before_one_of_them_goes(both: Engine) -> None:
    both.say(release="r1")
    both.has("other")
    assert cut_off(both).ok
    # The engine gives the lowest address that is free: another service's.
    record = both.state / "cut/other"
    record.write_text("4 net 10.0.0.1 other\n")
    (both.root / "gone-4").touch()
    assert end(both).ok
    assert networks(both)[1:] == ["connect net 4", "connect net 2"]
    # That it was cut off is for its own script to forget.
    assert record.exists()


@pytest.mark.parametrize("half", [False, True])
def test_who_was_cut_off_is_joined_again_before_it_serves(both: Engine, half: bool) -> None:
    assert cut_off(both).ok
    if half:
        # Noted, and not done: the host died in between.
        (both.root / "gone-2").unlink()
    answer = end(both, back=True)
    assert answer.ok, answer
    assert services(both) == ["schedgen-ingress r1", "web r1"]
    assert networks(both)[1:] == ([] if half else ["connect --alias web net 2"])
    assert both.log.index(f"network {networks(both)[-1]}") < both.log.index("stop 3")
    ready = "ask set server web_80/s1 state ready;set weight web_80/s1 100%;set server web_80/s2 state drain;"
    assert ready in both.log


def test_who_was_cut_off_is_only_joined_where_it_is_not_known_yet_who_serves(both: Engine) -> None:
    join = both.compose.join(str(both.state), ["web", "other"])
    assert both.run(join).ok
    assert cut_off(both).ok
    for _ in range(2):
        assert both.run(join).ok
        assert networks(both) == ["disconnect net 2", "connect --alias web net 2"]
    assert services(both) == ["schedgen-ingress r1", "web r1", "web r2"]


def test_what_is_cut_off_twice_is_known_as_it_was_at_first(both: Engine) -> None:
    assert cut_off(both, names=True).ok
    assert networks(both) == ["disconnect net 2", "connect net 2"]
    assert not any("state drain" in line for line in both.log)
    assert cut_off(both).ok
    assert both.run(both.compose.join(str(both.state), ["web"])).ok
    assert networks(both)[2:] == ["disconnect net 2", "connect --alias web net 2"]


def test_nobody_is_cut_off_where_what_is_to_serve_is_not_well(both: Engine) -> None:
    (both.root / "containers/3").write_text("web running unhealthy r2\n")
    assert cut_off(both).code == 10
    assert networks(both) == []


def test_requests_that_do_not_end_are_told_of_and_waited_for_no_longer_than_said(both: Engine) -> None:
    both.say(busy="1")
    answer = end(both)
    assert answer.ok
    assert answer.lines()[1].startswith("say requests to web were still open after 1s")
    assert services(both) == ["schedgen-ingress r1", "web r2"]


def test_nothing_is_taken_for_gone_where_docker_does_not_tell_what_is_there(both: Engine) -> None:
    both.say(refuses="ps")
    for back in (False, True):
        assert end(both, back=back).code == 1
    both.say(refuses="inspect")
    assert end(both, back=True).code == 1
    assert services(both) == ["schedgen-ingress r1", "web r1", "web r2"]


def test_an_ingress_that_does_not_answer_is_not_taken_for_idle(both: Engine) -> None:
    both.say(refuses="exec")
    assert "say the ingress did not tell in 1s" in end(both).stdout


def test_what_a_killed_run_left_of_the_same_release_goes_too(both: Engine) -> None:
    both.has("web")
    assert end(both).ok
    assert services(both) == ["schedgen-ingress r1", "web r2"]


def test_new_containers_come_back_after_a_reboot_once_their_release_serves(gated: Engine) -> None:
    assert beside(gated, SITE, "web").ok
    assert gated.log.index("update --restart no 3") > gated.log.index("made 3 web")
    paths = Paths(str(gated.root / "project"))
    folder = Path(paths.release(ReleaseId("r2")))
    folder.mkdir(parents=True)
    (gated.state / "releases/r2/restart-web").rename(folder / "restart-web")
    answer = gated.run(gated.compose.promote(paths, ReleaseId("r2"), ["web"], RELEASE))
    assert answer.ok, answer
    assert gated.log[-1] == "update --restart on-failure:3 3"
    assert (folder / "release.json").read_text() == to_json(RELEASE)
    assert Path(paths.current).read_text() == "r2\n"
    assert (folder / "release.json").stat().st_mode & 0o077 == 0


def test_a_record_that_did_not_arrive_whole_names_nothing(gated: Engine) -> None:
    paths = Paths(str(gated.root / "project"))
    Path(paths.release(ReleaseId("r2"))).mkdir(parents=True)
    command = gated.compose.promote(paths, ReleaseId("r2"), ["web"], RELEASE)
    assert not gated.run(replace(command, stdin=to_json(RELEASE).encode()[:-9])).ok
    assert not Path(paths.current).exists()


def test_a_record_that_is_beside_its_place_is_put_there_with_the_name(gated: Engine) -> None:
    paths = Paths(str(gated.root / "project"))
    folder = Path(paths.release(ReleaseId("r2")))
    folder.mkdir(parents=True)
    command = gated.compose.promote(paths, ReleaseId("r2"), [], beside=True)
    assert not gated.run(command).ok
    assert not Path(paths.current).exists()
    (folder / ".release.json").write_text("ready")
    assert gated.run(command).ok
    assert {path.name: path.read_text() for path in folder.iterdir()} == {"release.json": "ready"}
    assert Path(paths.current).read_text() == "r2\n"


# The ports change hands


def test_the_ingress_takes_the_ports_over_once(engine: Engine) -> None:
    engine.has("web")
    answer = adopt(engine)
    assert answer.ok, answer
    assert answer.lines() == ("detour", "changed")
    assert services(engine) == ["web r1-adopted", "schedgen-ingress r1-adopted"]
    # Who comes is led to an ingress that is there, from before the old container lets go of its ports.
    done = ("made 3 schedgen-ingress", "detour", "stop 1", "start 3", "rm 1", "detour over", "rm beef")
    assert [line for line in engine.log if line in done] == list(done)
    before = engine.containers
    again = adopt(engine)
    assert (again.ok, again.stdout) == (True, "")
    assert engine.containers == before


def test_a_host_whose_packet_filter_is_not_dockers_says_so_and_how_long_the_ports_were_away(
    engine: Engine,
) -> None:
    engine.has("web")
    engine.say(filtered="")
    why, line, changed = adopt(engine).lines()
    assert why == "say the published ports could not be led past this: Docker sets no rules there"
    assert (line.split()[0], changed) == ("gap", "changed")
    assert 0 <= int(line.split()[1]) < 20_000_000
    assert services(engine) == ["web r1-adopted", "schedgen-ingress r1-adopted"]
    assert not list(engine.state.parent.glob("project's dir/.schedgen/stopped/*"))


def test_who_had_the_ports_is_back_before_visitors_are_led_there_no_more(engine: Engine) -> None:
    engine.has("web")
    before = engine.containers
    engine.say(stuck="3")
    answer = adopt(engine)
    assert (answer.code, answer.stderr.splitlines()[-1]) == (1, "it could not be started")
    assert engine.containers == before
    done = ("detour", "stop 1", "rm 3", "start 1", "detour over", "rm beef", "rm 2")
    assert [line for line in engine.log if line in done] == list(done)


def test_another_container_gets_the_ports_while_new_connections_are_led_past_that(engine: Engine) -> None:
    engine.has("web")
    adopt(engine)
    begun = len(engine.log)
    engine.say(hash="of another network")
    answer = adopt(engine, "frontend web_81\n")
    assert (answer.ok, answer.lines()) == (True, ("detour", "changed"))
    done = ("detour", "exchanged 3", "made 4 schedgen-ingress", "detour over", "rm beef")
    assert [line for line in engine.log[begun:] if line in done] == list(done)
    assert services(engine) == ["web r1-adopted", "schedgen-ingress r1-adopted"]


@pytest.mark.parametrize("behaviour", [{"filtered": ""}, {"stuck_run": ""}], ids=["no rules", "no trial"])
def test_where_they_cannot_be_led_past_it_the_gap_is_told(engine: Engine, behaviour: dict[str, str]) -> None:
    engine.has("web")
    adopt(engine)
    engine.say(hash="of another network", **behaviour)
    why, gap, changed = adopt(engine, "frontend web_81\n").lines()
    assert why.startswith("say the published ports could not be led past this: ")
    assert (gap.split()[0], changed) == ("gap", "changed")
    assert services(engine) == ["web r1-adopted", "schedgen-ingress r1-adopted"]


def test_where_nothing_is_served_nothing_is_led_past(engine: Engine) -> None:
    engine.has("web")
    adopt(engine)
    engine.say(hash="of another network", reach="DOWN")
    answer = adopt(engine, "frontend web_81\n")
    assert (answer.ok, answer.lines()) == (True, ("changed",))
    assert "exchanged 3" in engine.log


def test_an_exchange_that_was_cut_off_is_ended_once_the_ingress_answers(engine: Engine) -> None:
    engine.has("web")
    adopt(engine)
    begun = len(engine.log)
    (engine.root / "containers" / "3").unlink()
    (engine.root / "containers" / "beef").write_text("trial running healthy r0\n")
    engine.say(led="")
    (engine.state.parent / "project's dir/.schedgen/detour").write_text("sha256:ingress\n")
    assert adopt(engine).ok
    done = ("made 4 schedgen-ingress", "start 4", "detour over", "rm beef")
    assert [line for line in engine.log[begun:] if line in done] == list(done)
    assert services(engine) == ["web r1-adopted", "schedgen-ingress r1-adopted"]


def test_its_configuration_is_there_for_haproxy_to_read(engine: Engine) -> None:
    engine.has("web")
    adopt(engine)
    (config,) = engine.state.parent.glob("project's dir/.schedgen/ingress/haproxy.cfg")
    assert config.read_text() == "frontend web_80\n"
    assert config.stat().st_mode & 0o044 == 0o044


def test_a_new_worker_that_would_know_nobody_is_not_started(engine: Engine) -> None:
    engine.has("web")
    adopt(engine)
    engine.say(stateless="")
    answer = adopt(engine, "frontend web_81\n")
    assert not answer.ok
    assert "did not take its new configuration" in answer.stderr
    assert "kill --signal USR2 3" not in engine.log
    assert not list(engine.state.parent.glob("project's dir/.schedgen/ingress/servers.state"))


def test_another_configuration_is_read_by_a_new_worker_that_learns_who_is_there(engine: Engine) -> None:
    engine.has("web")
    adopt(engine)
    answer = adopt(engine, "frontend web_81\n")
    assert (answer.ok, answer.lines()) == (True, ("changed",))
    assert "kill --signal USR2 3" in engine.log
    folder = engine.state.parent / "project's dir/.schedgen/ingress"
    assert sorted(path.name for path in folder.iterdir()) == [
        *("applied", "haproxy.cfg", "hold.lua", "maintenance.html", "maintenance.map", "out.map")
    ]
    assert (folder / "haproxy.cfg").read_text() == "frontend web_81\n"


@pytest.mark.parametrize(
    "behaviour",
    [{"health_web": "unhealthy"}, {"broken": "yes"}, {"code_web": "1", "health_web": "unhealthy"}],
    ids=["a service is not well without its ports", "nothing starts", "a service ends"],
)
def test_an_ingress_that_cannot_take_over_leaves_the_ports_where_they_are(
    engine: Engine, behaviour: dict[str, str]
) -> None:
    engine.has("web")
    before = engine.containers
    engine.say(**behaviour)
    answer = adopt(engine)
    assert answer.code == 1
    assert engine.containers == before
    assert "stop 1" not in engine.log


def test_an_ingress_that_reaches_nobody_is_noticed_while_the_ports_still_answer(engine: Engine) -> None:
    engine.has("web")
    before = engine.containers
    engine.say(reach="DOWN")
    answer = adopt(engine)
    assert answer.stderr.splitlines()[-1] == "it does not reach the services"
    assert engine.containers == before
    assert "stop 1" not in engine.log


def test_what_had_the_ports_serves_again_whatever_one_of_them_does(engine: Engine) -> None:
    engine.has("web", "web")
    engine.say(refuses="start")
    answer = adopt(engine)
    assert answer.code == 20
    assert "what was stopped does not serve again" in answer.stderr
    # Who comes next knows what was stopped.
    (noted,) = engine.state.parent.glob("project's dir/.schedgen/stopped/ports")
    assert sorted(noted.read_text().split()) == ["1", "2"]


def test_an_ingress_that_keeps_its_old_configuration_is_told_of(engine: Engine) -> None:
    engine.has("web")
    adopt(engine)
    engine.say(refuses="kill")
    answer = adopt(engine, "frontend web_81\n")
    assert answer.code == 1
    assert answer.stderr.splitlines()[-1] == "the ingress did not take its new configuration"
    engine.say(refuses="inspect")
    assert adopt(engine, "frontend web_82\n").code == 1
    assert services(engine) == ["web r1-adopted", "schedgen-ingress r1-adopted"]


# Text and values


def commands(name: str) -> list[Command]:
    """Every script, with `name` wherever a folder or an id can be."""
    made, paths = ComposeOrchestrator(Docker(), "p", name, (name,)), Paths(name)
    return [
        made.start_beside(name, name, "web", SITE, 1, proxy=PROXY),
        made.retire(name, "web", SITE, 1, proxy=PROXY, release_id=ReleaseId(name)),
        made.promote(paths, ReleaseId(name), ["web", "api"], RELEASE),
        made.ingress(paths, name, {"web": SITE}, 1, 1, proxy=PROXY),
        made.finished(name, "web"),
    ]


@pytest.mark.parametrize("name", ["plain", 'it\'s; $(id) `id` "x" \n & \\'])
def test_every_script_is_sound_bash_and_a_value_is_no_part_of_it(name: str) -> None:
    for command, plain in zip(commands(name), commands("plain"), strict=True):
        assert parses(command.text) == ""
        whole = program(command.script, **dict(command.values))
        assert parses(whole) == ""
        assert whole.removeprefix(given(command)) == program(plain.script, **dict(plain.values)).removeprefix(
            given(plain)
        )
        assert whole == shlex.split(command.text)[4]


def given(command: Command) -> str:
    """The lines that set a script's values."""
    values = dict(command.values)
    return "".join(assignment(key, values[key]) for key in host_scripts.given(command.script))


def test_one_script_at_a_time_works_on_a_service(engine: Engine) -> None:
    engine.has("worker")
    engine.say(health_worker="starting", event="healthy")
    ended: list[float] = []

    def work() -> None:
        assert beside(engine).ok
        ended.append(time.monotonic())

    thread = threading.Thread(target=work)
    thread.start()
    lock = engine.state / "roll-worker.lock"
    while not lock.exists() or not any(line.startswith("made") for line in engine.log):
        time.sleep(0.01)
    assert engine.run(engine.compose.finished(str(engine.state), "worker")).ok
    waited = time.monotonic()
    thread.join()
    assert services(engine) == ["worker r1", "worker r2"]
    assert waited >= ended[0] - 0.5
