"""The scripts that work on a stack, run for real against a manager made of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import bash, path
from swarm_kit import engine

from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.swarm import Rolled, StackCommands, parse_pushed, parse_rolled
from schedgen_ops.host_scripts import host_script
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

STACK = StackCommands(Docker(False), "shop")
NEW, OLD = "aa11", "bb22"


@pytest.fixture
def manager(tmp_path: Path) -> Path:
    """A manager with no service, and the file of the service `web`."""
    engine(tmp_path)
    files = tmp_path / "files"
    files.mkdir()
    (files / "web.json").write_text(f'{{"labels": {{"schedgen.definition": "{NEW}"}}}}')
    return tmp_path


def put(folder: Path, **texts: str) -> None:
    """Writes files of the manager; `_` in a name stands for a dash."""
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name.replace("_", "-")).write_text(f"{text}\n")


def run(manager: Path, command: Command) -> Result:
    return bash(command, manager, PATH=path(manager))


def roll(manager: Path, limit: int = 20) -> tuple[Result, Rolled]:
    result = run(manager, STACK.roll(str(manager / "files"), ["web"], limit, 0))
    (rolled,) = parse_rolled(result.lines())
    return result, rolled


def test_a_service_is_well_once_its_update_is_over_and_only_new_tasks_run(manager: Path) -> None:
    put(manager, service_web=f"{OLD} completed 0/1", task_web_1=f"running running {OLD}")
    put(manager / "deploys", service_web=f"{NEW} updating 1/1 update in progress")
    put(manager / "next-5", service_web=f"{NEW} completed 1/1", task_web_2=f"running running {NEW}")
    put(manager / "next-9", task_web_1=f"shutdown shutdown {OLD}")
    result, rolled = roll(manager)
    assert result.ok, result.stderr
    assert rolled == Rolled("web", "well", True, "1 of 1 run")
    assert "say web: 0 of 1 run, update in progress" in result.lines()
    (deploy,) = (
        line for line in (manager / "log").read_text().splitlines() if line.startswith("stack deploy")
    )
    assert "--resolve-image never --with-registry-auth" in deploy


def test_a_manager_that_goes_back_by_itself_leaves_the_credentials_as_they_are(manager: Path) -> None:
    put(manager / "deploys", service_web=f"{NEW} new 1/1", task_web_1=f"running running {NEW}")
    assert run(manager, STACK.roll(str(manager / "files"), ["web"], 5, 0, alone=True)).ok
    log = (manager / "log").read_text()
    assert "stack deploy" in log
    assert "--with-registry-auth" not in log


def test_what_has_this_definition_already_is_told_as_unchanged(manager: Path) -> None:
    put(manager, service_web=f"{NEW} new 1/1", task_web_1=f"running running {NEW}")
    assert roll(manager)[1] == Rolled("web", "well", False, "1 of 1 run")


@pytest.mark.parametrize("state", ["paused", "rollback_completed", "rollback_paused"])
def test_an_update_that_was_given_up_fails_at_once(manager: Path, state: str) -> None:
    """A service that a Swarm put back by itself is a deploy that failed."""
    put(manager, service_web=f"{OLD} completed 1/1", task_web_1=f"running running {OLD}")
    put(manager / "deploys", service_web=f"{NEW} {state} 1/1 task xyz", task_web_2=f"shutdown complete {NEW}")
    result, rolled = roll(manager)
    assert result.code == 1
    assert rolled == Rolled("web", "bad", True, "its container ended, or did not get healthy")


def test_a_new_service_that_ends_again_and_again_fails_before_its_time(manager: Path) -> None:
    why = "task: non-zero exit (1)"
    failing = {f"task_web_{number}": f"shutdown failed {NEW} {why}" for number in range(3)}
    put(manager / "deploys", service_web=f"{NEW} new 0/1", **failing)
    assert roll(manager)[1] == Rolled("web", "bad", True, why)


def test_what_does_not_get_well_in_time_is_late(manager: Path) -> None:
    put(manager / "deploys", service_web=f"{NEW} new 0/1", task_web_1=f"running preparing {NEW}")
    result, rolled = roll(manager, limit=2)
    assert (result.code, rolled) == (1, Rolled("web", "late", True, "0 of 1 run"))


def stuck(manager: Path, helps: bool = True, limit: int = 4, **texts: str) -> tuple[Result, Rolled, int]:
    """Brings `web`; its node is lost, and its update waits for that. Told too: how often it began anew."""
    put(manager, nodes="n1 Ready\nn2 Ready", service_web=f"{OLD} completed 2/2")
    lost = {"nodes": "n1 Ready\nn2 Down", "task_web_1": f"shutdown starting {NEW}"}
    runs = {"task_web_2": f"running running {NEW}", "task_web_3": f"running running {OLD}"}
    put(manager / "deploys", service_web=f"{NEW} updating 1/1 update in progress", **runs)
    put(manager / "next-3", **{**lost, **texts})
    if helps:
        put(manager / "updates", service_web=f"{NEW} completed 1/1", task_web_3=f"shutdown shutdown {OLD}")
    result = run(manager, STACK.roll(str(manager / "files"), ["web"], limit, 0, still=1))
    (rolled,) = parse_rolled(result.lines())
    log = (manager / "log").read_text()
    return result, rolled, log.count("service update --detach --quiet --label-add schedgen.again=")


def test_an_update_that_stands_still_since_a_node_was_lost_is_begun_again_and_says_so(manager: Path) -> None:
    result, rolled, again = stuck(manager)
    assert (rolled.how, again) == ("well", 1), result.stdout
    assert "say web: its update lost a node and stands still, it is begun again" in result.lines()
    assert (manager / "log").read_text().count("stack deploy") == 1


@pytest.mark.parametrize(
    "texts",
    [
        {"nodes": "n1 Ready\nn2 Ready"},
        {"nodes": "n1 Ready\nn2 Unknown"},
        {"nodes": "n1 Ready\nn2 Ready\nn3 Down"},
        {"task_web_4": f"running starting {NEW}"},
        {"task_web_4": f"ready pending {NEW}"},
        {"pauses": "10000000000 5000000000"},
        {"service_web": f"{OLD} updating 1/1 update in progress"},
    ],
    ids=[
        "no node is lost",
        "a leader is elected",
        "it was lost before",
        "one starts",
        "one waits for room",
        "the update pauses",
        "somebody else gave it another definition",
    ],
)
def test_an_update_that_may_go_on_by_itself_is_left_alone(manager: Path, texts: dict[str, str]) -> None:
    _, rolled, again = stuck(manager, True, 3, **texts)
    assert (rolled.how, again) == ("late", 0)


def test_an_update_that_goes_on_standing_still_is_begun_again_once(manager: Path) -> None:
    _, rolled, again = stuck(manager, helps=False)
    assert (rolled.how, again) == ("late", 1)


def test_a_job_tells_what_it_wrote_and_nothing_of_it_stays(manager: Path) -> None:
    put(manager / "deploys", service_web=f"{NEW} new 0/1", task_web_1=f"shutdown complete {NEW}")
    result = run(manager, STACK.job(str(manager / "files/web.json"), "web", 10))
    assert (result.code, result.text) == (0, "words of web")
    assert not (manager / "service-web").exists()


@pytest.mark.parametrize(
    ("task", "said"),
    [
        (f"shutdown failed {NEW} task: non-zero exit (3)", "web: task: non-zero exit (3)"),
        (f"running running {NEW}", "web did not end within 1 s, and is running"),
        (f"shutdown complete {OLD}", "web did not end within 1 s"),
    ],
)
def test_a_job_that_does_not_end_well_fails_and_never_hangs(manager: Path, task: str, said: str) -> None:
    put(manager / "deploys", service_web=f"{NEW} new 0/1", task_web_1=task)
    result = run(manager, STACK.job(str(manager / "files/web.json"), "web", 1))
    assert result.code == 1
    assert result.stderr.strip() == said
    assert not (manager / "service-web").exists()


def test_a_job_that_outlives_its_run_leaves_the_one_of_a_newer_run_alone(manager: Path) -> None:
    put(manager / "deploys", service_web=f"{NEW} new 0/1", task_web_1=f"running running {NEW}")
    put(manager / "next-2", id_web="newer", task_web_1=f"shutdown complete {NEW}")
    result = run(manager, STACK.job(str(manager / "files/web.json"), "web", 10))
    assert (result.code, result.stderr.strip()) == (1, "web was removed by another run")
    assert (manager / "service-web").exists()


def test_what_was_replaced_has_to_stay_up(manager: Path) -> None:
    put(manager, service_web=f"{NEW} new 1/1", task_web_1=f"running running {NEW}")
    command = host_script("swarm/settle", docker=("docker",), stack="shop", services=["web"], seconds=2)
    assert run(manager, command).ok
    put(manager, task_web_1=f"shutdown failed {NEW} task: non-zero exit (1)")
    result = run(manager, command)
    assert (result.code, result.stderr.strip()) == (1, "web is failed: task: non-zero exit (1)")


def test_contents_are_hashed_and_told_by_their_files(tmp_path: Path) -> None:
    (tmp_path / "motd").write_text("hello\n")
    command = host_script("swarm/hashes", files=[str(tmp_path / "motd")])
    assert bash(command, tmp_path).text.startswith("5891b5b522d5df08")


def test_each_pushed_image_is_known_by_its_digest() -> None:
    assert parse_pushed("shop-web:r1 registry:5000/shop-web@sha256:1\n") == {
        "shop-web:r1": "registry:5000/shop-web@sha256:1"
    }


def test_a_swarm_that_elects_its_leader_is_waited_for(manager: Path) -> None:
    put(manager / "deploys", service_web=f"{NEW} new 1/1", task_web_1=f"running running {NEW}")
    put(manager, leaderless="1")
    result, rolled = roll(manager)
    assert (result.ok, rolled.how) == (True, "well")
    assert "say the Swarm has no leader, trying again" in result.lines()


def test_services_are_gone_when_a_manager_says_so(manager: Path) -> None:
    put(manager, service_web=f"{OLD} completed 1/1", service_webs=f"{OLD} completed 1/1")
    assert run(manager, STACK.remove(["web", "never"], 5)).ok
    assert ((manager / "service-web").exists(), (manager / "service-webs").exists()) == (False, True)
    assert "service rm shop_web" in (manager / "log").read_text().splitlines()
    assert run(manager, STACK.remove(["web"], 5)).ok


@pytest.mark.parametrize("when", ["silent", "falls_silent"])
def test_a_manager_that_does_not_answer_has_removed_nothing_that_anybody_saw(
    manager: Path, when: str
) -> None:
    put(manager, service_web=f"{OLD} completed 1/1")
    (manager / when).touch()
    result = run(manager, STACK.remove(["web"], 1))
    assert (result.ok, "no answer" in result.stderr) == (False, True)
