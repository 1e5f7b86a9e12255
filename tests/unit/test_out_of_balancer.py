"""Hosts taken out of their load balancer while their services are touched, and put back once verified."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from deploying import (
    ANSWER_LOST,
    ERROR,
    FIRST,
    INTERRUPTED,
    OWNER,
    SECOND,
    Outcome,
    messages,
    steps,
    untruths,
)
from fakes import FakeClock
from http_kit import Holding, Quiet, serving
from kit import settings
from simulated import Fault, SimHost
from simulated_answers import OUT
from simulated_world import NEW, NEXT, World, fresh

from schedgen_ops.balancer.run import LoadBalancer
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.recovering import recover
from schedgen_ops.deploy.run import deploy as assemble
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import ConnectionLost, OpsError
from schedgen_ops.events import Event, Fact
from schedgen_ops.fleet import Fleet
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.remote import Result
from schedgen_ops.rollback.run import rollback
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

HEALTH = {"health": "/healthz"}
NAMES = ("app1", "app2", "app3")
BEFORE, AFTER = f"{FIRST}-{NEW[:7]}", f"{SECOND}-{NEXT[:7]}"


@dataclass
class Site:
    """Three hosts behind a load balancer, and what was seen of it.

    Attributes:
        told: what the ingress of each was told, and when its services were touched.
        dies: after so many commands none arrives any more, on any host.
    """

    config: Settings
    worlds: dict[str, World]
    faults: dict[str, Fault] = field(default_factory=dict)
    learnt: list[str] = field(default_factory=list)
    environ: dict[str, str] = field(default_factory=dict)
    hosts: dict[str, SimHost] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)
    asked: int = 0
    dies: int = 1 << 30
    balancer: LoadBalancer | None = None

    def session(self, branch: str | None, run: str, emit: Callable[[Event], None], **more: Any) -> Session:
        site = self

        class Watched(SimHost):
            def _answer(self, command: Command) -> Result:
                site.asked += 1
                if site.asked > site.dies:
                    raise ConnectionLost("the laptop is gone", host=self.name)
                if command.title in ("take the host out", "put the host back"):
                    site.told.append(f"{self.name} {dict(command.values)['way']}")
                if command.script == "rollout/start_beside":
                    site.told.append(f"{self.name} touched")
                return super()._answer(command)

        self.hosts = {
            name: Watched(name, world, self.faults.get(name)) for name, world in self.worlds.items()
        }
        section = self.config.balancer
        assert section is not None
        self.balancer = LoadBalancer(self.config, section, self.learnt.extend, self.environ, nullcontext)
        ref = Ref(branch) if branch else None
        fleet = Fleet([*self.hosts.values()])
        return Session(self.config, fleet, ref, run, FakeClock(), emit, OWNER, balancer=self.balancer, **more)

    def go(self, act: Callable[[Session], str], branch: str | None, run: str, **more: Any) -> Outcome:
        seen: list[Event] = []
        self.told.clear()
        self.asked = 0
        try:
            release = act(self.session(branch, run, seen.append, **more))
        except OpsError as error:
            return Outcome(error.exit_code, error, tuple(seen))
        finally:
            self.worlds = {name: host.world for name, host in self.hosts.items()}
        return Outcome(0, None, tuple(seen), release)

    def deploy(self, branch: str = "v1.2.4", run: str = SECOND, **more: Any) -> Outcome:
        return self.go(lambda session: assemble(session)(), branch, run, **more)

    def recover(self) -> Outcome:
        def act(session: Session) -> str:
            recover(session)
            return session.previous

        return self.go(act, None, "20250115_140000")

    @property
    def out(self) -> list[str]:
        """The hosts that are out: by their notes, or by what their ingress says."""
        return [name for name, world in self.worlds.items() if OUT in world.files or world.left]

    def short(self) -> list[str]:
        """What was told and touched, each once in a row."""
        return [each for number, each in enumerate(self.told) if [each] != self.told[number - 1 : number]]


@functools.cache
def served(names: tuple[str, ...], way: str) -> dict[str, World]:
    """Hosts that were deployed to before, their load balancer in the config."""
    made = Site(settings(*names, balancer=HEALTH if way else CALLS), {name: fresh() for name in names})
    assert made.deploy("v1.2.3", FIRST).code == 0
    return made.worlds


CALLS = {"take_out": {"command": ["true"]}, "put_back": {"command": ["true"]}}


def site(balancer: dict[str, Any] = HEALTH, names: tuple[str, ...] = NAMES, **more: Any) -> Site:
    worlds = served(names, balancer.get("health", ""))
    config = settings(*names, balancer=balancer, **more)
    return Site(config, {name: world.copy() for name, world in worlds.items()})


def in_turn(*names: str) -> list[str]:
    return [f"{name} {what}" for name in names for what in ("out", "touched", "back")]


def errors(outcome: Outcome) -> str:
    return "\n".join(messages(outcome, "error"))


def test_each_host_is_out_while_its_services_are_touched_and_back_before_the_next_one_is() -> None:
    three = site()
    outcome = three.deploy()
    assert outcome.code == 0
    assert three.short() == in_turn(*NAMES)
    assert three.out == []
    assert {world.current for world in three.worlds.values()} == {AFTER}
    facts = [
        (event.value, event.host)
        for event in outcome.events
        if isinstance(event, Fact) and event.name == "balancer"
    ]
    assert facts == [(what, name) for name in NAMES for what in ("out", "in")]
    assert [title for title in steps(outcome) if title.startswith("Rolling")] == [
        f"Rolling update of {name}" for name in NAMES
    ]
    assert "The load balancer has app1, app2, app3" in messages(outcome)
    # The prober of each host knows when nobody comes to it.
    for host in three.hosts.values():
        (sent,) = [hold.sent for hold in host.holds if "after" in hold.sent]
        assert [word for word in sent if word not in ("", "count")] == ["during", "out", "during", "after"]


def test_the_first_deploy_says_that_no_ingress_answers_yet_and_goes_on() -> None:
    three = Site(settings(*NAMES, balancer=HEALTH), {name: fresh() for name in NAMES})
    outcome = three.deploy("v1.2.3", FIRST)
    assert outcome.code == 0
    assert len([text for text in messages(outcome, "warn") if "Not taken out" in text]) == 3
    assert three.out == []


def test_a_sick_host_takes_all_back_each_out_of_the_load_balancer() -> None:
    three = site()
    before = {name: world.copy() for name, world in three.worlds.items()}
    three.worlds["app2"].sick = ("frontend",)
    outcome = three.deploy()
    assert outcome.code == 4
    assert three.short()[:5] == [*in_turn("app1"), "app2 out", "app2 touched"]
    # The one that failed is out still; the one that was done is taken out once more.
    assert three.short()[5:] == ["app2 back", "app1 out", "app1 back"]
    assert three.out == []
    for name, host in three.hosts.items():
        assert not untruths(host, before[name], outcome, BEFORE, SECOND, NEXT), name


def test_a_host_that_dies_stays_out_and_the_others_go_home_and_are_put_back() -> None:
    three = site()
    three.faults["app2"] = Fault(0, ConnectionLost, named="^replace frontend", lasts=True)
    outcome = three.deploy()
    assert outcome.code == 5
    assert three.out == ["app2"]
    assert "It stays out of the load balancer" in errors(outcome)
    assert "inv deploy.recover --hosts app2" in errors(outcome)
    for name in ("app1", "app3"):
        assert three.worlds[name].current == BEFORE
        assert all(box.health == "healthy" for box in three.worlds[name].boxes.values())
    # It is here again: what the run left is taken back, and it is in.
    three.faults.clear()
    outcome = three.recover()
    assert outcome.code == 0
    assert three.out == []
    assert three.worlds["app2"].current == BEFORE
    assert "Put back into the load balancer" in messages(outcome)


@pytest.mark.parametrize(
    "at", ["take the host out", "wait for requests", "put the host back", "note that", "settle"]
)
def test_what_a_killed_run_left_out_is_put_back_by_the_next_one(at: str) -> None:
    three = site()
    gone = Fault(0, ConnectionLost, named=at, after=True, lasts=True)
    three.faults = dict.fromkeys(NAMES, gone)
    # Nothing of it is unwound: no host answers any more.
    assert three.deploy().code != 0
    three.faults.clear()
    outcome = three.recover()
    assert outcome.code == 0, outcome.error
    assert three.out == []
    assert three.deploy(run="20250115_150000").code == 0
    assert three.out == []


@pytest.mark.parametrize("named", ["take the host out", "write .*/out"])
def test_a_host_that_cannot_be_taken_out_is_not_touched(named: str) -> None:
    three = site()
    three.faults["app2"] = Fault(0, 1, named=named)
    outcome = three.deploy()
    assert outcome.code == 4
    assert outcome.error is not None
    assert outcome.error.host == "app2"
    assert "app2 touched" not in three.told
    assert three.out == []
    assert {world.current for world in three.worlds.values()} == {BEFORE}


def test_a_host_that_cannot_be_put_back_is_told_loudly_and_tried_once_more_at_the_end() -> None:
    three = site()
    three.faults["app2"] = Fault(0, 1, named="put the host back")
    outcome = three.deploy()
    assert outcome.code == 0
    assert "inv deploy.recover --hosts app2" in errors(outcome)
    assert three.out == []
    three = site()
    three.faults["app3"] = Fault(0, 1, named="put the host back", lasts=True)
    outcome = three.deploy()
    assert outcome.code == 5
    assert outcome.failed_step in ("Load balancer", "Post-deployment verification")


def test_nobody_is_taken_out_where_no_other_host_serves() -> None:
    two = site(names=("app1", "app2"))

    def leave_out() -> Fleet:
        return Fleet([two.hosts["app1"]])

    outcome = two.deploy(reach=leave_out)
    assert outcome.code == 3
    assert "nobody would serve while app1 is taken out" in str(outcome.error)
    assert not two.worlds["app1"].changed
    three = site()
    assert three.deploy(reach=lambda: Fleet([three.hosts[name] for name in ("app1", "app3")])).code == 0
    assert three.worlds["app2"].current == BEFORE


def test_a_rollback_goes_host_by_host_too() -> None:
    three = site()
    assert three.deploy().code == 0
    outcome = three.go(lambda session: rollback(session, ReleaseId(BEFORE))(), "v1", "20250115_140000")
    assert outcome.code == 0
    assert three.short() == in_turn(*NAMES)
    assert three.out == []
    assert any("answers every request" in text for text in messages(outcome))


def test_only_hosts_with_the_service_are_behind_it() -> None:
    named: list[Any] = [{"name": name, "address": name} for name in NAMES]
    named.append({"name": "db1", "address": "db1", "services": ["postgres", "minio", "redis", "prometheus"]})
    config = settings(
        *named, balancer={**HEALTH, "service": "frontend"}, migrations=None, rollout={"batch": 2}
    )
    assert [host.name for host in config.balanced_hosts()] == [*NAMES]


def never_all_out(told: list[str]) -> list[str]:
    """What is wrong with what was told: nobody in service, or one touched that is."""
    out: set[str] = set()
    found = []
    for each in told:
        name, _, what = each.partition(" ")
        if what == "out":
            out.add(name)
        elif what == "back":
            out.discard(name)
        elif name not in out:
            found.append(f"{name} was touched in service")
        if len(out) == len(NAMES):
            found.append("nobody was in service")
    return found


@functools.cache
def commands() -> tuple[str, ...]:
    """What the second host is asked in a deploy."""
    three = site()
    assert three.deploy().code == 0
    return tuple(three.hosts["app2"].asked)


@pytest.mark.parametrize("fault", [ERROR, ANSWER_LOST, INTERRUPTED], ids=["error", "lost", "interrupted"])
def test_whatever_fails_on_a_host_somebody_serves_and_what_is_said_is_so(fault: Fault) -> None:
    for at in range(0, len(commands()), 5):
        three = site()
        before = {name: world.copy() for name, world in three.worlds.items()}
        three.faults["app2"] = replace(fault, at=at)
        outcome = three.deploy()
        where = (commands()[at], outcome.code, outcome.error)
        assert not never_all_out(three.told), where
        if outcome.code != 5:
            assert three.out == [], where
            for name, host in three.hosts.items():
                assert not untruths(host, before[name], outcome, BEFORE, SECOND, NEXT), where
        three.faults.clear()
        assert three.recover().code == 0, where
        assert three.out == [], where


def test_whenever_a_run_is_killed_the_next_one_finds_who_is_out() -> None:
    whole = site()
    assert whole.deploy().code == 0
    for dies in range(1, whole.asked, 17):
        three = site()
        three.dies = dies
        three.deploy()
        assert not never_all_out(three.told), dies
        three.dies = whole.dies
        outcome = three.recover()
        assert outcome.code == 0, (dies, outcome.error)
        assert three.out == [], dies


# By a command, and by a request


@pytest.fixture
def program(tmp_path: Path) -> Path:
    """A load balancer's command, which notes what it is told; a file `broken-WHAT` has it fail."""
    made = tmp_path / "lb"
    made.write_text(
        "#!/bin/sh\ncd ${0%/*}\n"
        'echo "$1 $2 ${LB_TOKEN-none}" >> told\n'
        '[ ! -e "broken-$1-$2" ] || { echo "no $LB_TOKEN for $2" >&2; exit 3; }\n'
    )
    made.chmod(0o755)
    return made


def by_command(program: Path) -> dict[str, Any]:
    return {
        "take_out": {"command": [str(program), "out", "{host}"]},
        "put_back": {"command": [str(program), "in", "{host}"]},
        "secrets": {"LB_TOKEN": "echo s3cret-token"},
        "tries": 2,
    }


def told(program: Path) -> list[str]:
    return (program.parent / "told").read_text().splitlines()


def test_a_command_takes_each_host_out_and_puts_it_back_and_has_its_secret_in_its_environment(
    program: Path,
) -> None:
    three = site(by_command(program))
    outcome = three.deploy()
    assert outcome.code == 0
    assert told(program) == [f"{way} {name} s3cret-token" for name in NAMES for way in ("out", "in")]
    assert three.learnt == ["s3cret-token"]
    assert three.out == []


def test_a_command_that_fails_is_tried_again_and_then_the_host_is_not_touched(program: Path) -> None:
    (program.parent / "broken-out-app2").touch()
    three = site(by_command(program))
    outcome = three.deploy()
    assert outcome.code == 4
    assert "app2 touched" not in three.told
    assert told(program).count("out app2 s3cret-token") == 2
    # Nobody knows what it did: the host is put back.
    assert "in app2 s3cret-token" in told(program)
    assert outcome.error is not None
    said = f"{outcome.error.message} {outcome.error.hint} {messages(outcome, 'warn')}"
    assert "failed with exit code 3: no *** for app2" in said
    assert "s3cret" not in said
    assert three.out == []


def test_a_command_that_puts_no_host_back_ends_with_what_to_do_by_hand(program: Path) -> None:
    (program.parent / "broken-in-app3").touch()
    three = site(by_command(program))
    outcome = three.deploy()
    assert (outcome.code, outcome.failed_step) == (5, "Load balancer")
    assert f"by hand: {program} in app3" in errors(outcome)
    assert {world.current for world in three.worlds.values()} == {AFTER}
    assert three.out == ["app3"]
    (program.parent / "broken-in-app3").unlink()
    assert three.recover().code == 0
    assert three.out == []


def test_a_secret_that_cannot_be_had_refuses_before_any_host_is_asked(program: Path) -> None:
    three = site({**by_command(program), "secrets": {"LB_TOKEN": "false"}})
    outcome = three.deploy()
    assert outcome.code == 3
    assert not any(host.asked for host in three.hosts.values())


class Api(Quiet):
    """A load balancer's API: it notes what it is asked, and answers with the server's `status`."""

    def do_PUT(self) -> None:
        size = int(self.headers.get("Content-Length", 0))
        asked = (self.path, self.headers.get("Authorization"), self.rfile.read(size).decode())
        self.server.asked.append(asked)  # type: ignore[attr-defined]
        self.send_response(self.server.status)  # type: ignore[attr-defined]
        self.send_header("Location", "/elsewhere")
        self.end_headers()
        self.wfile.write(b"what it says")


def by_request(url: str, **more: Any) -> dict[str, Any]:
    def asks(weight: int) -> dict[str, Any]:
        return {
            "http": {
                "url": f"{url}/servers/{{host}}",
                "method": "PUT",
                "headers": {"Authorization": "Bearer ${LB_TOKEN}"},
                "body": f'{{"address": "{{address}}", "weight": {weight}}}',
            }
        }

    return {"take_out": asks(0), "put_back": asks(1), "tries": 1, **more}


@pytest.fixture
def api() -> Iterator[Any]:
    server: Any = Holding(Api)
    server.asked, server.status = [], 204
    with serving(server):
        yield server


def test_a_request_takes_each_host_out_with_a_secret_of_the_environment(api: Any) -> None:
    three = site(by_request(api.url))
    three.environ = {"LB_TOKEN": "s3cret-token"}
    assert three.deploy().code == 0
    assert api.asked == [
        (f"/servers/{name}", "Bearer s3cret-token", f'{{"address": "{name}", "weight": {weight}}}')
        for name in NAMES
        for weight in (0, 1)
    ]
    assert three.learnt == ["s3cret-token"] * 2


@pytest.mark.parametrize("status", [302, 401, 500])
def test_a_request_that_is_answered_otherwise_touches_nobody(api: Any, status: int) -> None:
    api.status = status
    three = site(by_request(api.url))
    three.environ = {"LB_TOKEN": "s3cret-token"}
    outcome = three.deploy()
    # Neither taken out nor put back: who knows whether it is in.
    assert outcome.code == 5
    assert f"/servers/app1 answered {status}: what it says" in str(outcome.error)
    assert "app1 touched" not in three.told
    assert {path for path, _, _ in api.asked} == {"/servers/app1"}


def test_a_variable_that_is_not_set_is_told_before_any_host_is_asked(api: Any) -> None:
    outcome = (three := site(by_request(api.url))).deploy()
    assert outcome.code == 2
    assert "LB_TOKEN" in str(outcome.error)
    assert not any(host.asked for host in three.hosts.values())
