"""After a run that was killed: the next one, or `inv deploy.recover`, puts everything right."""

from __future__ import annotations

import copy
import functools
import json
import re
from dataclasses import replace

import pytest
from deploying import FIRST, SECOND, deploy, deployed, messages, untruths
from fakes import result
from going_back import FOURTH, THIRD, ask, recover, roll_back
from kit import BACKUP
from simulated import Fault, SimHost
from simulated_data import RESTORED
from simulated_world import NEW, NEXT, OLD, World, fresh, image_id

from schedgen_ops.errors import ConnectionLost
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

ADOPTED = f"{FIRST}-{OLD[:7]}-adopted"
OLDER = f"{FIRST}-{NEW[:7]}"
NEWER = f"{SECOND}-{NEXT[:7]}"

# A laptop that is gone: the command in flight still takes effect on the host, and none follows. Gone before a
# command is the same as gone after the one before it.
GONE = Fault(0, ConnectionLost, after=True, lasts=True)


class Killed(SimHost):
    """A host whose operator's laptop goes away at a command: at most that one still takes effect."""

    def _answer(self, command: Command) -> Result:
        assert self.fault
        before = [name for name in self.asked[:-1] if re.search(self.fault.named, name)]
        if len(before) > self.fault.at:
            raise ConnectionLost("the connection died", host=self.name)
        return super()._answer(command)


def killed(world: World, at: int, *, branch: str = "v1.2.4", run: str = SECOND, named: str = "") -> World:
    """What a deploy leaves that was killed there: at that command, of all or of those with that name."""
    host = Killed(world=world, fault=replace(GONE, at=at, named=named))
    deploy(host, branch=branch, run=run)
    return host.world


@functools.cache
def asked() -> tuple[str, ...]:
    """The commands of a second deploy."""
    host = SimHost(world=deployed())
    assert deploy(host, branch="v1.2.4", run=SECOND).code == 0
    return tuple(host.asked)


def at(start: str) -> int:
    return next(number for number, name in enumerate(asked()) if name.startswith(start))


def wrong(world: World) -> list[str]:
    """What is not as one release, the one that is said to serve, has it."""
    found = []
    commit = {NEW[:7]: NEW, NEXT[:7]: NEXT, OLD[:7]: OLD}[world.current.split("-")[1]]
    for service in ("backend", "frontend"):
        if world.boxes[service].image != image_id(service, commit):
            found.append(f"{service} is not of {world.current}")
    if any(box.health != "healthy" for box in world.boxes.values()):
        found.append("something is not healthy")
    if world.unreachable or world.standby:
        found.append(f"ports {world.unreachable}, left over {list(world.standby)}")
    if world.cut:
        found.append(f"out of reach {list(world.cut)}")
    if world.parts:
        found.append(f"unfinished backups {world.parts}")
    if "STARTED" in world.records().values():
        found.append(f"records {world.records()}")
    if world.head != commit:
        found.append(f"the work tree is at {world.head[:7]}")
    known = {name for name, state in world.records().items() if state in ("DONE", "ADOPTED")}
    tags = {name.rpartition(":")[2] for name in world.images if name.startswith("schedgen-")} - {"latest"}
    if tags - known:
        found.append(f"images of {tags - known}")
    return found


def test_wherever_a_deploy_was_killed_recovering_leaves_one_release_whole() -> None:
    found: list[str] = []
    for number, name in enumerate(asked()):
        world = killed(deployed(), number)
        served = {box.health for box in world.boxes.values()}
        found += [f"{number} {name[:60]}: not served" for health in served if health != "healthy"]
        host = SimHost(world=world)
        outcome = recover(host)
        found += [f"{number} {name[:60]}: exit {outcome.code}: {outcome.error}"] if outcome.code else []
        found += [f"{number} {name[:60]}: {text}" for text in wrong(host.world)]
    assert not found, "\n".join(found)


def test_wherever_a_deploy_was_killed_the_next_one_goes_through() -> None:
    found: list[str] = []
    for number, name in enumerate(asked()):
        host = SimHost(world=killed(deployed(), number))
        outcome = deploy(host, branch="v1.2.4", run=THIRD)
        found += [f"{number} {name[:60]}: exit {outcome.code}: {outcome.error}"] if outcome.code else []
        found += [f"{number} {name[:60]}: {text}" for text in wrong(host.world)]
    assert not found, "\n".join(found)


def test_wherever_the_first_deploy_was_killed_the_next_one_goes_through() -> None:
    reference = SimHost()
    assert deploy(reference).code == 0
    found: list[str] = []
    for number, name in enumerate(reference.asked):
        host = SimHost(world=killed(fresh(), number, branch="v1.2.3", run=FIRST))
        outcome = deploy(host, branch="v1.2.4", run=SECOND)
        found += [f"{number} {name[:60]}: exit {outcome.code}: {outcome.error}"] if outcome.code else []
        found += [
            f"{number} {name[:60]}: {text}" for text in untruths(host, fresh(), outcome, "", SECOND, NEXT)
        ]
        found += [
            f"{number} {name[:60]}: records" for state in host.world.records().values() if state == "STARTED"
        ]
    assert not found, "\n".join(found)


def test_wherever_recovering_itself_was_killed_recovering_again_ends_it() -> None:
    torn = killed(deployed(), at("replace frontend"))
    reference = SimHost(world=torn)
    assert recover(reference).code == 0
    found: list[str] = []
    for number, name in enumerate(reference.asked):
        host = Killed(world=torn, fault=replace(GONE, at=number))
        recover(host)
        again = SimHost(world=host.world)
        assert recover(again).code == 0
        found += [f"{number} {name[:60]}: {text}" for text in wrong(again.world)]
    assert not found, "\n".join(found)


def half() -> World:
    """A deploy was killed when two containers of the frontend stood side by side."""
    world = killed(deployed(), at("replace frontend"))
    assert world.standby.keys() >= {"frontend"}
    assert world.records()[NEWER] == "STARTED"
    assert world.head == NEXT
    return world


def test_what_was_begun_is_named_and_closed_as_failed() -> None:
    host = SimHost(world=half())
    outcome = recover(host)
    assert outcome.code == 0
    assert outcome.release == OLDER
    assert f"An earlier run was interrupted: {NEWER}" in messages(outcome, "warn")
    assert f"Release {NEWER} is taken back; {OLDER} serves" in messages(outcome)
    record = json.loads(host.world.files[f"/srv/schedgen/.schedgen/releases/{NEWER}/release.json"])
    assert (record["state"], record["error"]) == ("FAILED", "interrupted, and taken back later")
    assert record["finished"]


def test_what_still_starts_is_waited_for_before_anything_is_left_over() -> None:
    """The engine was restarted while a verified release cleaned up."""
    world = killed(deployed(), at("serve ") + 1)
    assert (world.records()[NEWER], world.current) == ("DONE", NEWER)
    assert world.standby.keys() >= {"frontend"}
    world.boxes["frontend"] = replace(world.boxes["frontend"], health="starting")
    host = SimHost(world=world)
    assert recover(host).code == 0
    assert not host.world.standby


def test_what_was_out_of_reach_when_a_run_was_killed_is_reached_again() -> None:
    world = killed(deployed(), at("cut off frontend") + 1)
    assert (world.current, set(world.cut)) == (OLDER, {"backend", "frontend"})
    host = SimHost(world=world)
    outcome = recover(host)
    assert outcome.code == 0
    assert "What was out of reach for a while is reached again: backend, frontend" in messages(
        outcome, "warn"
    )
    # Before anything else is done to them.
    assert host.world.changed.index("join frontend") < host.world.changed.index("back frontend")
    assert wrong(host.world) == []


class EndsEarly(SimHost):
    """A host where the wait for those that start ends early, each time."""

    def _met(self, command: Command) -> Result:
        if command.script != "rollout/wait_healthy":
            return super()._met(command)
        self.asked.append(str(command))
        starting = [name for name, box in self.world.boxes.items() if box.health == "starting"]
        self.world.boxes[starting[0]] = replace(self.world.boxes[starting[0]], health="healthy")
        return result(stderr="schedgen-backend-4 exited", code=1)


def test_what_still_starts_is_waited_for_though_something_else_is_not_well() -> None:
    world = deployed().copy()
    for name in ("redis", "minio", "frontend"):
        world.boxes[name] = replace(world.boxes[name], health="starting")
    assert recover(EndsEarly(world=world)).code == 0


def test_leftover_containers_go_and_the_release_that_serves_stays() -> None:
    host = SimHost(world=half())
    recover(host)
    assert not host.world.standby
    assert wrong(host.world) == []
    assert host.world.serving == deployed().serving


def test_the_work_tree_goes_back_to_the_commit_that_serves() -> None:
    host = SimHost(world=replace(deployed(), head=NEXT))
    outcome = recover(host)
    assert host.world.head == NEW
    assert messages(outcome, "warn")


def test_unfinished_backups_go_and_finished_ones_stay() -> None:
    world = killed(deployed(), 0, named="^back up")
    assert world.parts
    kept = world.backups
    host = SimHost(world=world)
    recover(host)
    assert host.world.parts == ()
    assert host.world.backups == kept


def test_recovering_twice_changes_nothing_more() -> None:
    host = SimHost(world=half())
    recover(host)
    again = SimHost(world=host.world)
    assert recover(again).code == 0
    assert again.world.changed == []
    assert not messages(recover(SimHost(world=host.world)), "warn")[1:]


@pytest.mark.parametrize("world", [fresh, deployed], ids=["never deployed", "nothing to do"])
def test_where_nothing_was_interrupted_nothing_is_changed(world: object) -> None:
    host = SimHost(world=world())  # type: ignore[operator]
    assert recover(host).code == 0
    assert host.world.changed == []


def test_a_run_that_is_still_at_work_is_not_recovered_from() -> None:
    host = SimHost(world=replace(half(), held_by='{"user": "bob", "machine": "desk"}'))
    assert recover(host).code == 7
    assert host.world.changed == []


def test_what_differs_for_another_reason_is_nobodys_leftover() -> None:
    world = deployed().copy()
    world.boxes["postgres"] = replace(world.boxes["postgres"], image="sha256:by-hand")
    before = dict(world.boxes)
    host = SimHost(world=world)
    assert recover(host).code == 0
    assert host.world.boxes == before
    assert host.world.changed == []


def test_a_rollback_killed_anywhere_gives_its_database_back_unless_it_serves() -> None:
    first = SimHost(world=deployed())
    assert deploy(first, branch="v1.2.4", run=SECOND).code == 0
    reference = SimHost(world=first.world)
    assert ask(reference, restore=True, yes=True).code == 0
    found: list[str] = []
    for number, name in enumerate(reference.asked):
        host = Killed(world=first.world, fault=replace(GONE, at=number))
        ask(host, restore=True, yes=True)
        again = SimHost(world=host.world)
        code, went = recover(again, run=FOURTH).code, again.world.current != NEWER
        found += [f"{number} {name[:60]}: exit {code}"] if code else []
        if (again.world.data == RESTORED) != went or (RESTORED in again.world.beside):
            found.append(f"{number} {name[:60]}: {again.world.data} with {again.world.current}")
        found += [f"{number} {name[:60]}: {text}" for text in wrong(again.world)]
    assert not found, "\n".join(found)


def test_a_killed_rollback_gives_the_schema_back() -> None:
    first = SimHost(world=deployed())
    assert deploy(first, branch="v1.2.4", run=SECOND).code == 0
    reference = SimHost(world=first.world)
    assert roll_back(reference, to=OLDER, revert=True).code == 0
    number = next(n for n, name in enumerate(reference.asked) if "migration:revert" in name)
    for at in (number - 1, number):
        host = Killed(world=first.world, fault=replace(GONE, at=at))
        roll_back(host, to=OLDER, revert=True)
        again = SimHost(world=host.world)
        assert recover(again, run=FOURTH).code == 0
        assert again.world.schema == first.world.schema
        assert again.world.current == NEWER
        assert wrong(again.world) == []


@pytest.mark.parametrize("current", ["", "/", "20250101_000000-abcdef0"])
def test_where_nobody_knows_what_serves_nothing_is_changed(current: str) -> None:
    """Two releases served, and the file that names one of them is empty, or names a third."""
    world = copy.deepcopy(deployed())
    world.files["/srv/schedgen/.schedgen/current"] = current + "\n"
    for act in (lambda host: deploy(host, branch="v1.2.4", run=SECOND), recover):
        host = SimHost(world=world)
        assert act(host).code == 3
        assert world.records() == deployed().records()
        assert host.world.changed == []


def test_what_does_not_pass_its_checks_is_not_said_to_serve() -> None:
    world = copy.deepcopy(deployed())
    world.boxes["backend"] = replace(world.boxes["backend"], health="unhealthy")
    outcome = recover(SimHost(world=world))
    assert outcome.code == 5
    assert "is in place, and does not pass its checks" in str(outcome.error)


def test_what_does_not_answer_after_a_recovery_is_not_said_to_serve() -> None:
    outcome = recover(SimHost(world=replace(half(), status="500")))
    assert outcome.code == 5
    assert "does not pass its checks" in str(outcome.error)
    assert not any(text.endswith(f"{OLDER} serves") for text in messages(outcome))


def test_a_full_disk_refuses_no_recovery_and_what_frees_it_comes_first() -> None:
    full = "project\t/srv/schedgen\t/dev/sda1 1000000 1000000 0 100% /\n"
    refused = SimHost(world=half(), fault=Fault(0, said=full, named="^df$"))
    assert deploy(refused, branch="v1.2.4", run=THIRD).code == 3

    class Full(SimHost):
        """Nothing can be written before images are gone."""

        def _answer(self, command: Command) -> Result:
            if str(command) == "df":
                return result(full)
            freed = any(name.startswith("docker rmi") for name in self.asked)
            if not freed and ("checkout" in str(command) or str(command).startswith("write ")):
                return result(stderr="No space left on device", code=1)
            return super()._answer(command)

    host = Full(world=half())
    outcome = recover(host)
    assert (outcome.code, wrong(host.world)) == (0, [])


class HalfSwapped(SimHost):
    """A host that went down while data was being exchanged; `said` is what it noted."""

    def __init__(self, said: str, world: World | None = None) -> None:
        super().__init__(world=world or deployed())
        self.world.beside = ("before",)
        self.said = f"swapping {said}"

    def _answer(self, command: Command) -> Result:
        if command.title in ("start what was stopped", "look for half-exchanged data"):
            return result(self.said)
        answer = super()._answer(command)
        if command.title == "swap back" and answer.ok:
            self.said = ""
        return answer


NOTE = json.dumps({"backup": BACKUP.id, "stamp": "20250115_120000", "parts": ["database"]})
EXCHANGE = ("swap back", "start what was stopped", "discard what a restore")


def test_data_that_was_being_exchanged_is_put_back_before_its_users_start() -> None:
    world = deployed().copy()
    for service in ("backend", "pdf-worker"):
        del world.boxes[service]
    host = HalfSwapped(NOTE, world)
    outcome = recover(host)
    assert "swap back" in host.world.changed
    assert any("data was being exchanged" in each.lower() for each in messages(outcome, "warn"))
    asked = [name for name in host.asked if name.startswith(EXCHANGE)]
    assert asked == [
        "start what was stopped",
        "swap back",
        "discard what a restore put aside",
        "start what was stopped",
    ]


def test_what_a_restore_left_beside_what_serves_goes_and_is_told() -> None:
    host = SimHost(world=replace(deployed(), beside=(RESTORED,)))
    outcome = recover(host)
    assert outcome.code == 0
    assert host.world.beside == ()
    assert f"Removed what a restore left unfinished: {RESTORED}" in messages(outcome)
    assert host.world.data == "ours"


def test_what_was_written_to_half_exchanged_data_is_not_removed() -> None:
    host = HalfSwapped(NOTE)
    outcome = recover(host)
    assert outcome.code == 0
    assert not any(name.startswith("discard") for name in host.asked)
    assert any("ran meanwhile" in each for each in messages(outcome, "warn"))


@pytest.mark.parametrize("note", ["{half a note", ""])
def test_a_note_that_cannot_be_read_needs_a_human_and_starts_nothing(note: str) -> None:
    host = HalfSwapped(note)
    outcome = recover(host)
    assert outcome.code == 5
    assert "swap back" not in host.world.changed
    assert "emergency.recover" in str(outcome.error.hint if outcome.error else "")


def test_old_data_that_is_back_is_enough_also_where_who_uses_it_is_not_well() -> None:
    class Unwell(HalfSwapped):
        def _answer(self, command: Command) -> Result:
            answer = super()._answer(command)
            unwell = result(stderr="reason: not healthy after 1s", code=1)
            return unwell if command.title == "swap back" else answer

    outcome = recover(Unwell(NOTE))
    assert outcome.code == 0
    assert any("not healthy" in each for each in messages(outcome, "warn"))
