"""A clone of one branch, or of one commit, has what is asked for; the preview of a deploy says the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fakes import FakeHost, context
from kit import bash, commit, git, path, program, settings

from schedgen_ops.commands import git as g
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import preview


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("fetch") / "origin"
    place.mkdir()
    git(place, "init", "--quiet")
    commit(place, "one", compose_dot_yaml="services: {}\n")
    commit(place, "two", a="2")
    git(place, "tag", "v1")
    git(place, "switch", "--quiet", "--create", "hotfix/payments")
    commit(place, "hotfix", a="3")
    git(place, "switch", "--quiet", "--create", "größe 🚀".replace(" ", "-"), "main")
    commit(place, "big", größe="1")
    git(place, "switch", "--quiet", "--detach", "main")
    lost = commit(place, "on no branch", a="4")
    git(place, "update-ref", "refs/pull/1/head", lost)
    git(place, "switch", "--quiet", "main")
    return place


KINDS = {
    "shallow": ("--depth", "1", "--branch", "main"),
    "single": ("--single-branch", "--branch", "main"),
    "whole": (),
}


def cloned(origin: Path, folder: Path, kind: str) -> Path:
    git(folder, "clone", "--quiet", *KINDS[kind], f"file://{origin}", "clone")
    return folder / "clone"


def meaning(clone: Path, name: str) -> str:
    fetched = bash(g.fetch("origin", Ref(name)), clone)
    assert fetched.ok, fetched.stderr
    return g.parse_resolved(bash(g.resolve("origin", Ref(name)), clone).stdout)


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_the_clone_follows_what_is_asked_for_is_fetched(
    origin: Path, tmp_path: Path, kind: str
) -> None:
    clone = cloned(origin, tmp_path, kind)
    hotfix, lost = (git(origin, "rev-parse", name) for name in ("hotfix/payments", "refs/pull/1/head"))
    asked = {
        "größe-🚀": git(origin, "rev-parse", "größe-🚀"),
        hotfix[:9]: hotfix,
        "hotfix/payments": hotfix,
        "refs/heads/hotfix/payments": hotfix,
        "v1": git(origin, "rev-parse", "v1"),
        "main": git(origin, "rev-parse", "main"),
        lost: lost,
        "gone": "missing",
        "0" * 40: "missing",
    }
    # The kinds differ in what the clone follows, and in nothing else that is asked: not all of each.
    chosen = asked if kind == "shallow" else dict.fromkeys(("größe-🚀", "v1", lost, "gone"))
    for name in chosen:
        assert meaning(clone, name) == asked[name], name
    assert bash(g.checkout(asked["größe-🚀"]), clone).ok


def test_a_branch_that_moves_or_goes_is_followed_where_the_clone_does_not(
    origin: Path, tmp_path: Path
) -> None:
    own = tmp_path / "origin"
    git(tmp_path, "clone", "--quiet", "--mirror", str(origin), "origin")
    clone = cloned(own, tmp_path, "shallow")
    first = meaning(clone, "hotfix/payments")
    git(own, "update-ref", "refs/heads/hotfix/payments", "main")
    assert meaning(clone, "hotfix/payments") != first
    git(own, "update-ref", "-d", "refs/heads/hotfix/payments")
    git(own, "update-ref", "refs/heads/hotfix", "main")
    assert meaning(clone, "hotfix/payments") == "missing"
    assert meaning(clone, "hotfix") == git(own, "rev-parse", "main")


COMPOSE = """case "$*" in *version*) echo 5.6.1 ;; *hash* | ps*) ;; *) echo '{"services": {}}' ;; esac"""


@pytest.mark.parametrize("kind", ["shallow"])
def test_the_preview_finds_it_too_and_changes_nothing(origin: Path, tmp_path: Path, kind: str) -> None:
    clone = cloned(origin, tmp_path, kind)
    programs = path(program(tmp_path / "bin", "docker", COMPOSE).parent)
    answers: dict[Any, Any] = {
        "docker inspect": "",
        "read the releases": "\n",
        lambda _: True: lambda command: bash(command, tmp_path, PATH=programs),
    }
    before = git(clone, "for-each-ref")
    config = settings("app1", directory=str(clone))
    found = preview.look(context(FakeHost(answers=answers), config), Ref("hotfix/payments"))
    assert found.version == git(origin, "rev-parse", "hotfix/payments")
    big = preview.look(context(FakeHost(answers=answers), config), Ref("größe-🚀"))
    assert ("A", "größe") in preview.files(big)
    assert git(clone, "for-each-ref") == before
