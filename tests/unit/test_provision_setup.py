"""Setting a host up: what is planned from what it lacks, what is refused, and the clone by its script."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
import test_hosts_check
import test_tasks
from fakes import FakeHost, result
from kit import bash, git, minimal
from test_tasks import Capture, Inv

from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.host_scripts import host_script
from schedgen_ops.provision import setup_facts, setup_plan
from schedgen_ops.provision.files import LARGEST, Packed, pack
from schedgen_ops.provision.setup_plan import Source
from schedgen_ops.remote import Result

inv = test_tasks.inv

READY = {
    "user": "root",
    "root": "yes",
    "os": "debian",
    "missing": "",
    "engine": "20.10.24",
    "compose": "2.26.1",
    "account": "deploy",
    "groups": "deploy docker",
    "account-uid": "1000",
    "keys": "/root/.ssh/authorized_keys",
    "directory": "clone",
    "owner": "deploy",
    "env": "there",
    "free": str(50 * 1024**2),
    "end": "1",
}
BARE: dict[str, str | None] = {
    "missing": "curl git",
    "engine": None,
    "engine-error": "none",
    "compose": None,
    "groups": "none",
    "account-uid": None,
    "directory": "missing",
    "owner": None,
    "env": None,
}
URL = "git@example.com:team/app.git"


def facts(changes: dict[str, str | None] | None = None) -> str:
    lines = READY | (changes or {})
    return "".join(f"{key}\t{value}\n" for key, value in lines.items() if value is not None)


def planned(changes: dict[str, str | None], repository: str = URL, **options: object) -> list[str]:
    found = setup_facts.parse(facts(changes))
    return [one.text for one in setup_plan.plan(minimal(**options), found, Source(repository), "app1")]


def test_a_bare_host_gets_everything_in_the_order_in_which_one_needs_the_other() -> None:
    found = planned(BARE, directory="/srv/app", secrets={"PASSWORD": ["true"]})
    assert found == [
        "install curl, git, ca-certificates, Docker Engine, Docker Compose",
        "start Docker Engine, now and at boot",
        "make the user deploy, in the group docker, with root's keys",
        "make /srv/app, owned by deploy",
        f"clone {URL} to /srv/app",
        "deliver .env",
    ]


def test_a_host_that_lacks_nothing_gets_nothing_and_needs_no_root_for_it() -> None:
    assert planned({"root": "no", "user": "deploy"}, "", secrets={"PASSWORD": ["true"]}) == []


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"groups": "deploy"}, "put deploy into the group docker"),
        ({"engine": None, "engine-error": "cannot connect"}, "start Docker Engine, now and at boot"),
        ({"compose": None}, "install Docker Compose"),
        ({"missing": "awk"}, "install mawk"),
        ({"directory": "empty", "owner": "deploy"}, f"clone {URL} to /srv/app"),
        ({"directory": "begun"}, f"clone {URL} to /srv/app"),
    ],
)
def test_what_is_there_stays_and_the_rest_is_done(changes: dict[str, str | None], text: str) -> None:
    assert planned(changes, directory="/srv/app") == [text]


@pytest.mark.parametrize(
    ("changes", "repository", "text"),
    [
        ({"directory": "taken"}, URL, "holds other things and is no clone"),
        ({"directory": "no folder"}, URL, "is no folder"),
        ({"owner": "bob"}, URL, "is bob's, not deploy's"),
        ({"directory": "missing"}, "", "there is no clone"),
        ({"missing": "git", "root": "no", "user": "deploy"}, URL, "deploy may not install git"),
        ({"missing": "git", "os": "alpine"}, URL, "packages are known of debian and ubuntu, not of alpine"),
        ({"missing": "git", "free": "1024"}, URL, "0.0 GB are free"),
        ({"groups": "none", "account-uid": None, "keys": ""}, URL, "deploy would have no keys"),
    ],
)
def test_what_cannot_be_done_is_refused_before_anything_is(
    changes: dict[str, str | None], repository: str, text: str
) -> None:
    with pytest.raises(Refused, match=text):
        planned(changes, repository)


@pytest.mark.parametrize("answer", ["", "user\troot\n", facts({"end": None}), facts({"account": None})])
def test_half_an_answer_is_none(answer: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        setup_facts.parse(answer)


def test_this_machine_tells_what_it_has(tmp_path: Path) -> None:
    for content, seen in ((None, "missing"), ("", "empty"), ("a", "taken"), (".git", "clone")):
        folder = tmp_path / f"at-{seen}"
        if content is not None:
            folder.mkdir()
        if content:
            (folder / content).touch()
        answer = bash(setup_facts.ask(minimal(directory=str(folder)), "nobody-of-that-name"), tmp_path)
        found = setup_facts.parse(answer.stdout)
        assert (found.directory, found.groups, found.env) == (seen, None, False)


def cloned(directory: Path, repository: Path | str) -> Result:
    command = host_script(
        "provision/clone", directory=str(directory), repository=str(repository), remote="upstream"
    )
    return bash(command, directory.parent)


@pytest.fixture
def origin(tmp_path: Path) -> Path:
    folder = tmp_path / "origin"
    folder.mkdir()
    git(folder, "init", "-q")
    (folder / "a b").write_text("1")
    (folder / ".hidden").write_text("2")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-qm", "first")
    return folder


def test_a_clone_fills_an_empty_folder_and_nothing_of_it_is_left_beside(tmp_path: Path, origin: Path) -> None:
    target = tmp_path / "project"
    target.mkdir()
    assert cloned(target, origin).ok
    assert sorted(path.name for path in target.iterdir()) == [".git", ".hidden", "a b"]
    again = cloned(target, origin)
    assert not again.ok
    assert "a clone already" in again.stderr


def test_a_clone_that_was_cut_off_goes_on(tmp_path: Path, origin: Path) -> None:
    target = tmp_path / "project"
    (target / ".schedgen-clone/half").mkdir(parents=True)
    assert cloned(target, origin).ok
    (target / ".schedgen-cloned").mkdir()
    (target / ".git").rename(target / ".schedgen-cloned/.git")
    (target / "a b").rename(target / ".schedgen-cloned/a b")
    assert cloned(target, origin).ok
    assert sorted(path.name for path in target.iterdir()) == [".git", ".hidden", "a b"]


def test_a_clone_that_fails_leaves_the_folder_as_it_was(tmp_path: Path, origin: Path) -> None:
    target = tmp_path / "project"
    target.mkdir()
    failed = cloned(target, tmp_path / "nothing")
    assert not failed.ok
    assert "git could not clone the repository" in failed.stderr
    assert [*target.iterdir()] == []
    (target / ".env").write_text("mine")
    assert "holds other things: .env" in cloned(target, origin).stderr
    assert (target / ".env").read_text() == "mine"


IMAGES = {"source": "image", "variable": "TAG"}


def brought(changes: dict[str, str | None], source: Source) -> list[str]:
    found = setup_facts.parse(facts(changes))
    project = minimal(directory="/srv/app", release=IMAGES)
    return [one.text for one in setup_plan.plan(project, found, source, "app1")]


def test_where_releases_are_images_files_take_the_place_of_a_clone() -> None:
    source = Source(folder="deploy", files=3)
    wanted = ["bring the 3 files of deploy to /srv/app"]
    assert brought({"directory": "empty", "owner": "deploy"}, source) == wanted
    assert brought({"directory": "begun", "owner": "deploy"}, source) == wanted
    assert brought({"directory": "taken", "compose-file": "there"}, source) == []
    assert brought({"directory": "empty"}, Source(URL)) == [f"clone {URL} to /srv/app"]
    with pytest.raises(Refused, match="holds other things and has no compose file"):
        brought({"directory": "taken"}, source)
    with pytest.raises(Refused, match="there is no compose file in /srv/app") as refused:
        brought({"directory": "empty"}, Source())
    assert "--files FOLDER" in str(refused.value.hint)
    with pytest.raises(Refused, match="is bob's, not deploy's"):
        brought({"directory": "taken", "compose-file": "there", "owner": "bob"}, source)


def test_this_machine_tells_of_a_compose_file(tmp_path: Path) -> None:
    asked = setup_facts.ask(minimal(directory=str(tmp_path)), "")
    assert not setup_facts.parse(bash(asked, tmp_path).stdout).composed
    (tmp_path / "docker-compose.yml").touch()
    assert setup_facts.parse(bash(asked, tmp_path).stdout).composed
    other = minimal(directory=str(tmp_path), compose_files=["prod.yaml"])
    assert not setup_facts.parse(bash(setup_facts.ask(other, ""), tmp_path).stdout).composed


@pytest.fixture
def here(tmp_path: Path) -> Path:
    """A project's folder on this machine, with what belongs to it and what does not."""
    folder = tmp_path / "it's here"
    for name in ("compose.yaml", "conf d/app.conf", ".env", ".git/config", "backups/b/dump", "empty/"):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_text(name)
    (folder / ".env").chmod(0o600)
    (folder / "link.conf").symlink_to("conf d/app.conf")
    return folder


def bring(directory: Path, packed: Packed, size: int | None = None) -> Result:
    data = packed.data
    command = host_script("provision/bring", directory=str(directory), size=size or len(data))
    return bash(command.with_stdin(data), directory.parent)


def test_files_arrive_as_they_are_here(tmp_path: Path, here: Path) -> None:
    target = tmp_path / "project"
    target.mkdir()
    packed = pack(minimal(release=IMAGES), str(here))
    assert packed.names == (".env", "compose.yaml", "conf d/app.conf", "empty", "link.conf")
    assert bring(target, packed).ok
    assert {path.name for path in target.iterdir()} == {name.split("/")[0] for name in packed.names}
    assert (target / "link.conf").read_text() == "conf d/app.conf"
    assert (target / ".env").stat().st_mode & 0o777 == 0o600
    # Never over anything.
    (target / "compose.yaml").write_text("theirs")
    assert "holds other things" in bring(target, packed).stderr
    assert (target / "compose.yaml").read_text() == "theirs"


def test_files_that_were_cut_off_leave_nothing_and_are_gone_on_with(tmp_path: Path, here: Path) -> None:
    target = tmp_path / "project"
    target.mkdir()
    packed = pack(minimal(release=IMAGES), str(here))
    assert not bring(target, packed, len(packed.data) + 1).ok
    assert [*target.iterdir()] == []
    (target / ".schedgen-clone/files").mkdir(parents=True)
    assert bring(target, packed).ok
    (target / ".schedgen-cloned").mkdir()
    (target / "compose.yaml").rename(target / ".schedgen-cloned/compose.yaml")
    assert bring(target, packed).ok
    assert (target / "compose.yaml").read_text() == "compose.yaml"


def test_what_is_delivered_otherwise_stays_here(here: Path) -> None:
    delivered = minimal(release=IMAGES, secrets={"PASSWORD": ["true"]})
    assert ".env" not in pack(delivered, str(here)).names


def test_a_folder_that_is_no_project_is_refused(tmp_path: Path, here: Path) -> None:
    told = minimal(release=IMAGES)
    with pytest.raises(ConfigError, match="there is no folder"):
        pack(told, str(tmp_path / "none"))
    with pytest.raises(ConfigError, match=r"has no prod\.yaml"):
        pack(minimal(release=IMAGES, compose_files=["compose.yaml", "prod.yaml"]), str(here))
    (here / "out").symlink_to("../..")
    with pytest.raises(ConfigError, match="leads out of"):
        pack(told, str(here))
    (here / "out").unlink()
    (here / "large").write_bytes(b"0" * LARGEST)
    with pytest.raises(ConfigError, match="more than 16 MiB"):
        pack(told, str(here))
    (here / "large").unlink()
    (here / "compose.yaml").unlink()
    with pytest.raises(ConfigError, match=r"has no compose\.yaml"):
        pack(told, str(here))


def test_files_are_for_releases_of_images(inv: Inv, capsys: Capture, tmp_path: Path) -> None:
    one = host({})
    assert inv("hosts.setup", "--files", str(tmp_path), on=[one]) == 2
    assert "--files is for releases that are images" in capsys.readouterr().err
    assert one.commands == []


def host(changes: dict[str, str | None], **more: Result) -> FakeHost:
    answers = {"look at what the host lacks": result(facts(changes)), "look at the host": result("")}
    return FakeHost("app1", {**answers, **more})


def test_a_second_run_says_that_there_is_nothing_to_do(inv: Inv, capsys: Capture) -> None:
    one = host({})
    inv("hosts.setup", on=[one])
    assert "Every host is set up: there was nothing to do" in capsys.readouterr().out
    assert len(one.commands) == 2


def test_the_plan_is_shown_and_nothing_is_done_that_nobody_agreed_to(inv: Inv, capsys: Capture) -> None:
    one = host({"directory": "empty\x1b[31m", "groups": "deploy"})
    assert inv("hosts.setup", "--repository", URL, on=[one]) == 2
    said = capsys.readouterr()
    assert "put deploy into the group docker" in said.out
    assert f"clone {URL} to" in said.out
    assert "\x1b" not in said.out + said.err
    assert len(one.commands) == 1


@pytest.mark.parametrize(
    "words",
    [
        ["--repository", "--upload-pack=x"],
        ["--repository", "https://me:secret@example.com/a.git"],
        ["--repository", "a\x1bb"],
        ["--login", "-oProxyCommand=x"],
        ["--login", "root"],
    ],
)
def test_what_is_no_repository_and_no_user_is_refused_unasked(
    inv: Inv, capsys: Capture, words: list[str]
) -> None:
    one = host({})
    assert inv("hosts.setup", f"{words[0]}={words[1]}", on=[one]) == 2
    assert one.commands == []
    assert "secret" not in capsys.readouterr().err


def test_what_root_does_comes_first_and_a_failure_ends_it(inv: Inv, capsys: Capture) -> None:
    more = {
        "install packages": result("Docker is installed"),
        "start Docker Engine": result("", code=1, stderr="reason: no"),
    }
    one = host({"engine": None, "engine-error": "none", "compose": None}, **more)
    assert inv("hosts.setup", "--yes", on=[one]) != 0
    said = capsys.readouterr()
    assert "done: install Docker Engine, Docker Compose" in said.out
    assert "Docker is installed" in said.out
    assert "start Docker Engine" in said.err
    assert len(one.commands) == 3


def test_what_is_still_missing_afterwards_is_told_and_not_as_if_nothing_was_done(
    inv: Inv, capsys: Capture
) -> None:
    seen = test_hosts_check.said(engine=None, engine_error="permission denied")
    more = {"set deploy up": result(""), "look at the host": result(seen)}
    assert inv("hosts.setup", "--yes", on=[host({"groups": "deploy"}, **more)]) == 3
    said = capsys.readouterr()
    assert "done: put deploy into the group docker" in said.out
    assert "not ready yet" in said.err
    assert "what was done stays" in said.err
    assert "nothing was changed" not in said.err


def test_a_document_has_the_check_and_done_is_said_after_it(inv: Inv, capsys: Capture) -> None:
    seen = test_hosts_check.said(clock=f"{datetime.now(UTC).timestamp():.0f}")
    more = {"set deploy up": result(""), "look at the host": result(seen)}
    assert inv("hosts.setup", "--yes", "--json", on=[host({"groups": "deploy"}, **more)]) == 0
    found = json.loads(capsys.readouterr().out)["result"]
    assert {("app1", "passed")} == {(row["host"], row["mark"]) for row in found}
    assert inv("hosts.setup", "--yes", on=[host({"groups": "deploy"}, **more)]) == 0
    said = capsys.readouterr().out
    assert said.index("Docker Engine") < said.index("1 host can be deployed to")
