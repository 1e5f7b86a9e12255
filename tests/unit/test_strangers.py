"""Containers of another work tree with the same project name: found by the folder that Compose noted."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakes import FakeHost, context
from kit import bash, path, program, settings

from schedgen_ops import strangers
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.owners import Stranger, parse_strangers
from schedgen_ops.commands.owners import strangers as command
from schedgen_ops.errors import Refused


class Place:
    """A host's folders, and a docker that lists containers by name, working folder and compose files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.ours = self.folder("srv/our app")
        self.theirs = self.folder("srv/twin")

    def folder(self, name: str) -> str:
        made = self.root / name
        made.mkdir(parents=True, exist_ok=True)
        return str(made)

    def file(self, name: str) -> str:
        made = self.root / name
        made.parent.mkdir(parents=True, exist_ok=True)
        made.touch()
        return str(made)

    def strange(self, *rows: tuple[str, str, str], files: tuple[str, ...] = ()) -> list[str]:
        listed = self.root / "listed"
        lines = ("\x1f".join(("id", name, "web", "False", *rest)) for name, *rest in rows)
        listed.write_text("".join(f"{line}\n" for line in lines))
        program(self.root / "bin", "docker", f'[ "$1" = ps ] && cat "{listed}"')
        asked = command(Docker(), "twin", self.ours, files)
        answer = bash(asked, self.root, PATH=path(self.root / "bin"))
        assert answer.ok, answer.stderr
        return [f"{one.name} {one.folder}" for one in parse_strangers(answer.stdout)]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_containers_of_another_work_tree_are_named_with_their_folder(place: Place) -> None:
    ours, theirs = place.ours, place.theirs
    rows = (
        ("twin-web-1", theirs, f"{theirs}/compose.yaml"),
        ("twin-db-1", ours, f"{ours}/compose.yaml"),
        ("twin-old-1", "/gone/by/now", ""),
        ("twin-file-1", "", f"{theirs}/compose.yaml"),
    )
    names = [f"twin-web-1 {theirs}", "twin-old-1 /gone/by/now", f"twin-file-1 {theirs}/compose.yaml"]
    assert place.strange(*rows) == names


def test_one_folder_by_several_names_is_one(place: Place) -> None:
    link = place.root / "link"
    link.symlink_to(place.ours)
    for name in (f"{place.ours}/", str(link), f"{place.root}/srv/../srv/our app", f"{link}//"):
        assert place.strange(("a", name, "")) == [], name


def test_what_we_started_from_a_release_is_ours_and_what_another_one_started_is_not(place: Place) -> None:
    releases = ".schedgen/releases/20250115_120000-abc1234"
    assert place.strange(("a", f"{place.ours}/{releases}", f"{place.ours}/{releases}/compose.yaml")) == []
    theirs = f"{place.theirs}/{releases}"
    assert place.strange(("a", theirs, f"{theirs}/compose.yaml")) == [f"a {theirs}"]


def test_an_owner_who_named_files_or_a_folder_of_their_own_is_no_stranger(place: Place) -> None:
    inside, outside = place.file("srv/our app/deploy/prod.yaml"), place.file("etc/prod.yaml")
    elsewhere = place.folder("home/ann")
    assert place.strange(("a", elsewhere, f"{place.ours}/compose.yaml")) == []
    assert place.strange(("a", f"{place.ours}/deploy", inside), files=("deploy/prod.yaml",)) == []
    assert place.strange(("a", elsewhere, outside), files=(outside,)) == []
    assert place.strange(("a", f"{place.ours}/deploy", inside)) == [f"a {place.ours}/deploy"]


def test_a_container_without_a_note_is_nobody_elses(place: Place) -> None:
    assert place.strange(("a", "", "")) == []
    assert place.strange() == []


def test_an_engine_that_does_not_answer_is_no_empty_list(place: Place) -> None:
    program(place.root / "bin", "docker", "echo no engine >&2; exit 1")
    assert not bash(command(Docker(), "twin", place.ours), place.root, PATH=path(place.root / "bin")).ok


def test_it_is_refused_with_what_to_do() -> None:
    host = FakeHost(answers={"whose containers": "twin-web-1\x1f/srv/twin\n"})
    with pytest.raises(Refused) as caught:
        strangers.refuse(context(host, settings()))
    assert "twin-web-1 (/srv/twin)" in caught.value.message
    assert "another project name" in caught.value.hint
    assert caught.value.host == "app1"
    strangers.refuse(context(FakeHost(answers={"whose containers": ""}), settings()))
    assert str(Stranger("a", "/b")) == "a (/b)"
