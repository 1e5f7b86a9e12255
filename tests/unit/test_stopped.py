"""What is stopped for a while is started again whatever happens: run for real on an engine made of files."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest
from engine_stub import Engine
from kit import DATABASE, OBJECTS, bash, parses, path, program

from schedgen_ops.backup.data_location import DataLocation
from schedgen_ops.backup.restore import swap
from schedgen_ops.commands import stopped
from schedgen_ops.commands.docker import Docker
from schedgen_ops.remote import Result

DOCKER = Docker()


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    made = Engine(tmp_path)
    made.has("api", "worker", "cron")
    return made


def stop(engine: Engine, *containers: str, name: str = "users") -> Result:
    return engine.run(stopped.stop(DOCKER, str(engine.state), name, containers))


def start(engine: Engine, *names: str) -> Result:
    return engine.run(stopped.start(DOCKER, str(engine.state), *names))


def notes(engine: Engine) -> dict[str, list[str]]:
    return {file.name: sorted(set(file.read_text().split())) for file in engine.state.glob("stopped/*")}


def status(engine: Engine) -> list[str]:
    return [text.split()[1] for text in engine.containers.values()]


def test_what_is_stopped_is_on_record_until_it_was_started(engine: Engine) -> None:
    assert stop(engine, "1", "2").ok
    assert (status(engine), notes(engine)) == (["exited", "exited", "running"], {"users": ["1", "2"]})
    answer = start(engine, "users")
    assert (answer.ok, answer.lines()) == (True, ("started 1", "started 2"))
    assert (status(engine), notes(engine)) == (["running"] * 3, {})
    assert (start(engine, "users").ok, start(engine).ok) == (True, True)


def test_it_is_on_record_before_anything_is_stopped(engine: Engine) -> None:
    engine.say(refuses="stop")
    assert not stop(engine, "1").ok
    assert notes(engine) == {"users": ["1"]}
    # A run that comes later and finds less to stop forgets nothing.
    engine.say(refuses="")
    assert stop(engine, "2").ok
    assert notes(engine) == {"users": ["1", "2"]}


def test_nothing_is_stopped_that_could_not_be_put_on_record(engine: Engine) -> None:
    (engine.state / "stopped").write_text("in the way")
    assert not stop(engine, "1").ok
    assert status(engine) == ["running"] * 3


def test_one_that_does_not_start_keeps_no_other_from_it(engine: Engine) -> None:
    stop(engine, "1", "2", "3")
    engine.say(stuck="1")
    answer = start(engine)
    assert (answer.code, answer.stderr.strip()) == (1, "port is already allocated")
    assert (status(engine), notes(engine)) == (["exited", "running", "running"], {"users": ["1", "2", "3"]})
    engine.say(stuck="")
    assert start(engine).ok
    assert (status(engine), notes(engine)) == (["running"] * 3, {})


def test_a_record_that_cannot_be_done_keeps_no_other_from_it(engine: Engine) -> None:
    stop(engine, "1", name="data")
    stop(engine, "2", "3", name="users")
    engine.say(stuck="1")
    assert not start(engine).ok
    assert (status(engine), list(notes(engine))) == (["exited", "running", "running"], ["data"])


def test_an_engine_that_is_restarted_is_waited_for(engine: Engine) -> None:
    stop(engine, "1", "2")
    engine.say(restarts="1")
    assert start(engine).ok
    assert status(engine) == ["running"] * 3


def test_what_is_gone_since_is_not_missed(engine: Engine) -> None:
    stop(engine, "1", "2")
    (engine.root / "containers/1").unlink()
    assert start(engine).lines() == ("started 2",)
    assert notes(engine) == {}


def test_where_docker_does_not_tell_the_record_stays(engine: Engine) -> None:
    stop(engine, "1")
    engine.say(refuses="inspect")
    assert not start(engine).ok
    assert notes(engine) == {"users": ["1"]}


def test_what_had_the_ports_is_left_to_who_hands_them_over(engine: Engine) -> None:
    stop(engine, "1", name="ports")
    assert start(engine).ok
    assert (status(engine)[0], list(notes(engine))) == ("exited", ["ports"])


@pytest.mark.parametrize("name", ["plain", 'it\'s; $(id) `id` "x" \n & \\'])
def test_both_are_sound_bash(name: str) -> None:
    for command in (stopped.stop(DOCKER, name, name, [name]), stopped.start(DOCKER, name, name)):
        assert parses(command.text) == ""
        assert all(parses(word) == "" for word in shlex.split(command.text) if "docker=(" in word)


# The services that use the data, while it is swapped

SWAPPING = r"""
cd -- "$FAKE" || exit 9
case $1 in
  exec | run) cat >/dev/null; [ ! -e "fails-$1" ] ;;
  inspect) format=$3; shift 3; for id in "$@"; do
    case $format in
      *Health*) echo "/$id $(cat "$id" 2>/dev/null || echo running) none" ;;
      *Restart*) echo "$id $(cat "policy-$id" 2>/dev/null || echo no)" ;;
      *) echo "$id $(cat "$id" 2>/dev/null || echo running)" ;;
    esac; done ;;
  update) shift; echo "$*" >> updates ;;
  stop) shift; for id in "$@"; do echo exited > "$id"; done
    cp -r stopped seen 2>/dev/null; [ ! -e fails-stop ] ;;
  start) shift; bad=0; for id in "$@"; do
    if [ -e "stuck-$id" ]; then echo "$id does not start" >&2; bad=1; else echo running > "$id"; fi; done
    exit "$bad" ;;
esac
"""
CLIENTS = ("api", "worker", "cron")


def swapped(tmp_path: Path, *, back: bool = False) -> Result:
    programs = program(tmp_path / "bin", "docker", SWAPPING).parent
    location = DataLocation(DOCKER, "db", "store", "image", "20250115_120000", DATABASE, OBJECTS)
    command = swap.swap(location, f"{tmp_path}/restore.lock", CLIENTS, 1, "{}", back=back)
    return bash(command, tmp_path, PATH=path(programs), FAKE=str(tmp_path))


def runs(tmp_path: Path) -> list[str]:
    return [name for name in ("store", *CLIENTS) if (tmp_path / name).read_text() == "running\n"]


def test_a_swap_notes_what_it_stops(tmp_path: Path) -> None:
    assert swapped(tmp_path).ok
    assert runs(tmp_path) == ["store", *CLIENTS]
    assert (tmp_path / "seen/data").read_text().split() == [*CLIENTS, "store"]
    assert not list(tmp_path.glob("stopped/*"))


@pytest.mark.parametrize("back", [False, True])
@pytest.mark.parametrize("stuck", ["store", "api"])
def test_all_that_can_start_after_a_swap_do(tmp_path: Path, stuck: str, back: bool) -> None:
    (tmp_path / f"stuck-{stuck}").touch()
    answer = swapped(tmp_path, back=back)
    assert not answer.ok
    assert f"{stuck} does not start" in answer.stderr
    assert set(runs(tmp_path)) == {"store", *CLIENTS} - {stuck}
    assert (tmp_path / "stopped/data").exists()


def test_where_the_services_cannot_be_stopped_they_run_again(tmp_path: Path) -> None:
    (tmp_path / "fails-stop").touch()
    assert not swapped(tmp_path).ok
    # One that was never stopped never wrote that it is running.
    assert not [name for name in (*CLIENTS, "store") if "exited" in read(tmp_path / name)]


@pytest.mark.parametrize("failing", ["exec", "run"])
def test_nobody_sees_data_that_can_be_moved_neither_forth_nor_back(tmp_path: Path, failing: str) -> None:
    (tmp_path / f"fails-{failing}").touch()
    answer = swapped(tmp_path)
    assert not answer.ok
    assert "nor put back: nobody who uses the data is started" in answer.stderr
    assert runs(tmp_path) == []
    assert (tmp_path / "swapping").exists()
    # Once it can be moved again, all that was stopped is started.
    (tmp_path / f"fails-{failing}").unlink()
    assert swapped(tmp_path, back=True).ok
    assert runs(tmp_path) == ["store", *CLIENTS]
    assert not (tmp_path / "swapping").exists()


def test_what_always_restarts_does_not_while_data_is_exchanged(tmp_path: Path) -> None:
    (tmp_path / "policy-api").write_text("always")
    assert swapped(tmp_path).ok
    assert (tmp_path / "updates").read_text().splitlines() == [
        "--restart unless-stopped api",
        "--restart always api",
    ]
    assert not (tmp_path / "always").exists()


def read(file: Path) -> str:
    return file.read_text() if file.exists() else ""
