"""The env file: the real Compose reads back what was meant, real scripts deliver it, no value is shown."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies
from kit import bash, minimal, path, program

from schedgen_ops import host_scripts
from schedgen_ops.checklist import arriving
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.remote import Result
from schedgen_ops.secrets import remote_commands
from schedgen_ops.secrets.compare import Difference, compare
from schedgen_ops.secrets.env_file import EnvFile, quoted, rendered
from schedgen_ops.secrets.fetch import fetch
from schedgen_ops.secrets.vault import Vault
from schedgen_ops.settings import Settings
from schedgen_ops.settings.secrets import OF_THE_SHELL
from schedgen_ops.shell import Command, Secret

BINARY = Path(sys.executable).parent / "docker-compose"
SALT = "0a" * 32
OLD, NEW, NEWER = (ReleaseId(f"20250115_12000{n}-{str(n) * 7}") for n in range(3))
NASTY = {
    "QUOTES": "a\"b'c`d",
    "LINES": "-----BEGIN KEY-----\nMIIE==\n-----END KEY-----\n",
    "DOLLARS": "$HOME ${X} $$ \\$x",
    "HASH": "# x # y",
    "UNICODE": "é→𝄞\u2028\x85",
    "SLASHES": "\\n \\t \\\\ \\",
    "SPACE": "  lead and trail  ",
    "EMPTY": "",
    "WINDOWS": "a\r\nb\r",
    "CONTROL": "\x01\x1b[31m\x7f\t\x0b\x0c\x08",
    "JSON": '{"a": "b<c>&"}',
}
# What XML would not have: any character but NUL and surrogates, which are no text.
TEXTS = strategies.text(
    strategies.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40
)


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> str:
    """PATH with a docker whose only command is Compose."""
    binary = BINARY if BINARY.exists() else shutil.which("docker-compose")
    return path(program(tmp_path_factory.mktemp("bin"), "docker", f'shift; exec {binary} "$@"').parent)


def env(**values: str) -> EnvFile:
    return EnvFile({name: Secret(value) for name, value in values.items()})


def read_back(programs: str, folder: Path, file: EnvFile) -> tuple[dict[str, str], dict[str, str]]:
    """What Compose reads by interpolation, and what a service gets by `env_file`."""
    folder.mkdir(exist_ok=True)
    (folder / ".env").write_bytes(file.text.encode())
    named = {name: f"${{{name}}}" for name in file.values}
    model = {"services": {"a": {"image": "a", "labels": named, "env_file": ".env"}}}
    (folder / "compose.json").write_text(json.dumps(model))
    words = ["docker", "compose", "-p", "p", "-f", "compose.json", "config", "--format", "json"]
    clean = {"PATH": programs, "HOME": str(folder)}
    done = subprocess.run(words, cwd=folder, env=clean, capture_output=True, check=True, timeout=60)
    service = json.loads(done.stdout)["services"]["a"]
    plain = [
        {name: value.replace("$$", "$") for name, value in service[key].items()}
        for key in ("labels", "environment")
    ]
    return plain[0], plain[1]


def test_compose_reads_what_was_meant(programs: str, tmp_path: Path) -> None:
    assert read_back(programs, tmp_path, env(**NASTY)) == (NASTY, NASTY)


@hypothesis.settings(deadline=None, max_examples=15)
@hypothesis.given(values=strategies.lists(TEXTS, min_size=30, max_size=30))
def test_compose_reads_any_text(
    programs: str, tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    wanted = {f"V{number}": value for number, value in enumerate(values)}
    assert read_back(programs, tmp_path_factory.mktemp("env"), env(**wanted)) == (wanted, wanted)


def test_a_nul_byte_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="NUL"):
        quoted("a\0b")
    wrong = fetch(minimal(secrets={"GOOD": "echo x", "BAD": ["printf", "a\\0b"]})).wrong
    assert wrong == {"BAD": "printf printed a NUL byte, which no env file can hold"}


def test_templates_take_secrets() -> None:
    settings = minimal(
        secrets={"PW": "pass"}, variables={"URL": "postgres://u:${PW}@db/$$x", "PLAIN": "a # b"}
    )
    file = rendered(settings, {"PW": Secret("p$w")})
    assert {name: value.reveal() for name, value in file.values.items()} == {
        "PW": "p$w",
        "URL": "postgres://u:p$w@db/$x",
        "PLAIN": "a # b",
    }


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"secrets": {"A B": "x"}}, "the name of an environment variable"),
        ({"secrets": {"A": "echo 'x"}}, "whose quotes end"),
        ({"secrets": {"A": ""}}, "at least 1"),
        ({"variables": {"A": "${B}"}}, "no secret is called 'B'"),
        ({"variables": {"A": "50$"}}, "write `\\$\\$`"),
        ({"variables": {"A": "x\0"}}, "NUL"),
        ({"secrets": {"A": "x"}, "variables": {"A": "x"}}, "in `secrets` already"),
        ({"variables": {"LANG": "C"}}, "'LANG' is the host's own"),
        ({"secrets": {"DOCKER_HOST": "x"}}, "'DOCKER_HOST' is the host's own"),
    ],
)
def test_a_config_that_cannot_be_meant_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        minimal(**values)


def test_what_no_look_compares_cannot_be_delivered() -> None:
    script = host_scripts.text("secrets/look.bash")
    (kept,) = re.findall(r'keep="([^"]*)"', script)
    assert {*kept.split()} == OF_THE_SHELL


# The commands


def test_the_same_command_runs_once_and_without_a_shell(tmp_path: Path) -> None:
    tool = program(tmp_path, "tool", f'echo x >> "{tmp_path}/ran"; printf "%s\\n" "$1"')
    words = f"{tool} '$HOME; echo no'"
    found = fetch(minimal(secrets={"A": words, "B": words}))
    assert [value.reveal() for value in found.all().values()] == ["$HOME; echo no"] * 2
    assert (tmp_path / "ran").read_text() == "x\n"


def test_commands_run_at_the_same_time(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    # Each waits for the other: one after the other they would never end.
    secrets = {"A": ["sh", "-c", f"echo a > {tmp_path}/pipe; echo done"], "B": ["cat", f"{tmp_path}/pipe"]}
    assert fetch(minimal(secrets=secrets)).wrong == {}


WRONG = {
    "sh -c 'echo the token is tok3n-abcdef >&2; exit 3'": "failed with exit code 3: the token is ***",
    "sh -c 'echo half-a-value; echo half-a-value >&2; exit 1'": "failed with exit code 1: ***",
    "/nowhere/op read x": "could not be started: No such file or directory",
    "true": "printed nothing",
    "sh -c 'kill -9 $$'": "was ended by signal 9",
    "printf '\\377'": "printed what is no UTF-8",
    "yes": "printed more than the 128 KiB that a variable can hold",
    "sleep 1000": "gave no answer within 1 s",
    "sh -c 'sleep 1000 & sleep 1000'": "gave no answer within 1 s",
}


def test_what_goes_wrong_is_told_without_a_value() -> None:
    secrets = {f"S{number}": words for number, words in enumerate(WRONG)} | {"TOKEN": "echo tok3n-abcdef"}
    found = fetch(minimal(secrets=secrets, secret_commands={"deadline": 1}))
    assert [each.partition(" ")[2] for each in found.wrong.values()] == list(WRONG.values())
    with pytest.raises(Refused) as caught:
        found.all()
    assert caught.value.exit_code == 3
    assert "tok3n" not in f"{caught.value.detail}{caught.value.message}"


def test_a_command_that_reads_gets_nothing() -> None:
    assert fetch(minimal(secrets={"A": "sh -c 'cat; echo over'"})).all() == {"A": Secret("over")}


def test_a_command_that_asks_is_seen_and_answered() -> None:
    asks = ["sh", "-c", "printf PIN: >&2; read pin; echo got $pin"]
    code = f"from schedgen_ops import local_program as p; print(p.run({asks}, 9, ask=True, over=bool).out)"
    ours, its = os.openpty()
    with subprocess.Popen([sys.executable, "-c", code], stdin=its, stdout=subprocess.PIPE, stderr=its) as run:
        os.close(its)
        shown = b""
        while not shown.endswith(b"PIN:"):
            shown += os.read(ours, 100)  # Raises when nobody has the terminal any more.
        os.write(ours, b"1234\n")
        assert run.communicate()[0] == b"b'got 1234\\n'\n"
    os.close(ours)


# What happens on a host


@pytest.fixture
def site(tmp_path: Path) -> Settings:
    """A project in a folder of this machine."""
    (tmp_path / "project").mkdir()
    return minimal(directory=str(tmp_path / "project"), secrets={"PW": "pass"}, variables={"PLAIN": "x"})


def perform(command: Command, settings: Settings, programs: str = os.environ["PATH"]) -> str:
    answer = bash(command, Path(settings.directory), PATH=programs)
    assert answer.ok, answer.stderr
    return answer.stdout


def file_of(settings: Settings) -> Path:
    return Path(settings.directory) / ".env"


def folder_of(settings: Settings, release: ReleaseId) -> Path:
    return Path(settings.directory) / ".schedgen/releases" / release


def test_it_is_delivered_for_its_owner_alone_and_kept_with_the_release(site: Settings) -> None:
    file_of(site).write_text("PW=by-hand\n")
    file_of(site).chmod(0o644)
    folder_of(site, OLD).mkdir(parents=True)
    perform(remote_commands.deliver(site, env(PW="one"), NEW, OLD), site)
    assert file_of(site).read_text() == env(PW="one").text == (folder_of(site, NEW) / "env").read_text()
    assert (folder_of(site, OLD) / "env").read_text() == "PW=by-hand\n"
    files = [
        file_of(site),
        *(each for each in Path(site.directory, ".schedgen").rglob("*") if each.is_file()),
    ]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    assert not [each for each in files if each.suffix in (".part", ".new")]


def test_a_value_is_in_no_argv(site: Settings) -> None:
    command = remote_commands.deliver(site, env(PW="s3cret-value"), NEW, OLD)
    assert "s3cret-value" not in command.text + str(command.values)


def test_half_of_it_is_nothing(site: Settings) -> None:
    file_of(site).write_text("PW=old\n")
    command = remote_commands.deliver(site, env(PW="one"), NEW)
    assert isinstance(command.stdin, bytes)
    answer = bash(command.with_stdin(command.stdin[:-3]), Path(site.directory))
    assert not answer.ok
    assert file_of(site).read_text() == "PW=old\n"


@pytest.mark.parametrize(("failing", "kept"), [("exit 1", []), ("kill -KILL $PPID", ["env.part"])])
def test_what_fails_or_is_killed_leaves_no_secrets_in_the_work_tree(
    site: Settings, tmp_path: Path, failing: str, kept: list[str]
) -> None:
    perform(remote_commands.deliver(site, env(PW="one")), site)
    perform(remote_commands.deliver(site, env(PW="two"), NEW), site)
    # The last thing before what was copied takes its place.
    broken = path(program(tmp_path / "bin", "chmod", failing).parent)
    assert not bash(remote_commands.back(site, (NEW,)), Path(site.directory), PATH=broken).ok
    assert sorted(each.name for each in Path(site.directory).iterdir()) == [".env", ".schedgen"]
    assert [each.name for each in Path(site.directory).rglob("*.part")] == kept
    perform(remote_commands.back(site, (NEW,)), site)
    assert file_of(site).read_text() == env(PW="one").text
    assert not [*Path(site.directory).rglob("*.part")]


@pytest.mark.parametrize("before", [None, "PW=by-hand\n"])
def test_the_way_back_has_what_was_there(site: Settings, before: str | None) -> None:
    if before:
        file_of(site).write_text(before)
    perform(remote_commands.deliver(site, env(PW="one"), NEW), site)
    perform(remote_commands.deliver(site, env(PW="two"), NEWER), site)
    for _ in range(2):  # It may be done again.
        perform(remote_commands.back(site, (NEWER,)), site)
        assert file_of(site).read_text() == env(PW="one").text
    perform(remote_commands.back(site, (NEWER, NEW)), site)
    assert (file_of(site).read_text() if file_of(site).exists() else None) == before


def test_the_way_back_leaves_what_was_edited_since(site: Settings) -> None:
    perform(remote_commands.deliver(site, env(PW="one"), NEW), site)
    file_of(site).write_text("PW=urgent\n")
    perform(remote_commands.back(site, (NEW,)), site)
    assert file_of(site).read_text() == "PW=urgent\n"


def test_a_rollback_has_the_file_of_its_release_and_may_fail_too(site: Settings) -> None:
    perform(remote_commands.deliver(site, env(PW="one"), OLD), site)
    perform(remote_commands.deliver(site, env(PW="two"), NEW, OLD), site)
    perform(remote_commands.use(site, NEWER, OLD), site)
    assert file_of(site).read_text() == env(PW="one").text
    perform(remote_commands.back(site, (NEWER,)), site)
    assert file_of(site).read_text() == env(PW="two").text
    perform(remote_commands.use(site, NEWER, ReleaseId("20240101_000000-9999999")), site)
    assert file_of(site).read_text() == env(PW="two").text


def test_a_link_stays_one(site: Settings, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("PW=x\n")
    file_of(site).symlink_to(tmp_path / "elsewhere")
    perform(remote_commands.deliver(site, env(PW="one"), NEW), site)
    assert file_of(site).is_symlink()
    assert (tmp_path / "elsewhere").read_text() == env(PW="one").text


# What differs, by names


def differs(programs: str, settings: Settings, file: EnvFile) -> Difference:
    said = perform(remote_commands.look(settings), settings, programs)
    assert not [value for value in file.values.values() if len(value.reveal()) > 3 and value.reveal() in said]
    return compare(file, remote_commands.parse_held(said))


def test_what_was_delivered_is_the_same_whatever_it_holds(programs: str, site: Settings) -> None:
    perform(remote_commands.deliver(site, env(**NASTY), NEW), site)
    assert differs(programs, site, env(**NASTY)) == Difference("ours", same=tuple(sorted(NASTY)))


def test_names_tell_what_differs(programs: str, site: Settings) -> None:
    assert differs(programs, site, env(A="1")) == Difference("absent", new=("A",))
    file_of(site).write_text("export A='same one'\nB: other\n# C=x\nGONE=x\n")
    found = differs(programs, site, env(A="same one", B="mine", NEW="x"))
    assert found == Difference("foreign", ("NEW",), ("B",), ("GONE",), ("A",))
    assert (found.by_hand, str(found)) == (True, "new: NEW; differs: B; only there: GONE")


def test_an_edit_by_hand_is_seen(programs: str, site: Settings) -> None:
    file = env(A="one", B="two")
    perform(remote_commands.deliver(site, file, NEW), site)
    assert not differs(programs, site, env(A="other", B="two")).by_hand
    file_of(site).write_text(file.text.replace("two", "three"))
    assert differs(programs, site, file) == Difference("edited", changed=("B",), same=("A",))
    file_of(site).write_text(file.text + "# a note\n")
    assert not differs(programs, site, file).by_hand
    file_of(site).write_text('A="no end\n')
    assert differs(programs, site, file).refused


def test_another_salt_gives_other_digests() -> None:
    assert env(A="x").digests("1")["A"] != env(A="x").digests("2")["A"]


@pytest.mark.parametrize("said", ["", "hello", "ours\nA", f"ours\nsalt {SALT}\nA {'0' * 63}", "\x1b[2J"])
def test_an_answer_that_is_none_is_refused(said: str) -> None:
    with pytest.raises(ValueError, match="the host said"):
        remote_commands.parse_held(said)


# Consent


@contextmanager
def _paused() -> Iterator[None]:
    yield


def vault(settings: Settings, agree: Callable[..., bool]) -> Vault:
    return Vault(settings, lambda values: None, _paused, agree)


def _no_terminal(question: str, *notes: str) -> bool:
    raise ConfigError("no terminal")


def _found(state: str, **digests: str) -> Result:
    lines = [state, f"salt {SALT}", *(f"{name} {value}" for name, value in digests.items())]
    return Result("\n".join(lines) + "\n", "", 0, 0.0)


EDITED: Mapping[str, str] = {"A": "0" * 64}


@pytest.mark.parametrize("agree", [_no_terminal, lambda question, *notes: False])
def test_what_was_written_by_hand_is_not_replaced_unasked(agree: Callable[..., bool]) -> None:
    it = vault(minimal(secrets={"A": "echo s3cret"}), agree)
    it.judge("app1", _found("edited", **EDITED))
    with pytest.raises(Refused) as caught:
        it.consent()
    assert caught.value.exit_code == 3


def test_who_agrees_is_told_the_names() -> None:
    asked: list[str] = []

    def agree(question: str, *notes: str) -> bool:
        asked.extend((question, *notes))
        return True

    it = vault(minimal(secrets={"A": "echo s3cret"}), agree)
    it.judge("app1", _found("edited", **EDITED))
    it.judge("app2", _found("ours", **EDITED))
    it.consent()
    assert asked == [
        "Replace .env?",
        "app1: .env was changed by hand since it was delivered; differs: A",
    ]


@pytest.mark.parametrize("said", ["", f"ours\nsalt {SALT}\n", f"edited\nsalt {SALT}\nA {'0' * 64}\n"])
def test_a_file_of_which_not_all_is_known_is_not_replaced(said: str) -> None:
    it = vault(minimal(secrets={"A": "echo s3cret"}), lambda question, *notes: True)
    (problem,), seen = arriving.judged(it, "app1", Result(said, "sha256sum: no such program", 1, 0.0))
    assert (problem.refuses, problem.unknown, seen, it.found) == (True, True, "", {})
    assert problem.text == "what the env file on the host has is not known: sha256sum: no such program"
