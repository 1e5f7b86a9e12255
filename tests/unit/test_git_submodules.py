"""Submodules go with the release, and back with it: real git, real repositories."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from kit import bash, commit, git

from schedgen_ops.commands import git as g
from schedgen_ops.commands.own_files import parse_tracked
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

ALLOW = '[protocol "file"]\nallow = always\n'


def submodule(folder: Path, *argv: str) -> None:
    git(folder, "-c", "protocol.file.allow=always", "submodule", "--quiet", *argv)


class Origins:
    """An application with a submodule that has one itself.

    v2 moves it, v3 is without it, v4 has another, v5 is v1 with the submodule from another address.
    """

    def __init__(self, folder: Path) -> None:
        self.deep, self.vendor, self.other, self.app = (
            folder / n for n in ("deep", "vendor", "other", "app")
        )
        for place in (self.deep, self.vendor, self.other, self.app):
            place.mkdir()
            git(place, "init", "--quiet")
            commit(place, "one", text="1")
        submodule(self.vendor, "add", str(self.deep), "deep")
        self.first = commit(self.vendor, "with deep")
        submodule(self.app, "add", str(self.vendor), "web/vendor")
        self.v1 = commit(self.app, "v1")
        commit(self.deep, "two", text="2")
        git(self.vendor / "deep", "pull", "--quiet", "origin", "main")
        self.second = commit(self.vendor, "two", text="2")
        git(self.app / "web/vendor", "pull", "--quiet", "--no-recurse-submodules", "origin", "main")
        self.v2 = commit(self.app, "v2")
        git(self.app, "rm", "--quiet", "web/vendor")
        self.v3 = commit(self.app, "v3", web__vendor__file="no submodule any more")
        submodule(self.app, "add", str(self.other), "another")
        self.v4 = commit(self.app, "v4")
        self.moved = folder / "moved"
        git(folder, "clone", "--quiet", "--no-recurse-submodules", str(self.vendor), "moved")
        third = commit(self.moved, "three", text="3")
        git(self.app, "branch", "kept")
        git(self.app, "reset", "--quiet", "--hard", self.v1)
        file = self.app / ".gitmodules"
        file.write_text(file.read_text().replace(str(self.vendor), str(self.moved)))
        git(self.app, "update-index", "--cacheinfo", f"160000,{third},web/vendor")
        git(self.app, "add", ".gitmodules")
        git(self.app, "commit", "--quiet", "--message", "v5")
        self.v5 = git(self.app, "rev-parse", "HEAD")
        (folder / ".gitconfig").write_text(ALLOW)
        git(folder, "clone", "--quiet", str(self.app), "clone")
        self.clone = folder / "clone"
        done = bash(g.checkout(self.v1), self.clone, HOME=str(folder))
        assert done.ok, done.stderr


class Project:
    """A host's clone at v1."""

    def __init__(self, origins: Origins, folder: Path) -> None:
        self.folder, self.clone = folder, folder / "it's here"
        shutil.copytree(origins.clone, self.clone, symlinks=True)
        (folder / ".gitconfig").write_text(ALLOW)

    def run(self, command: Command) -> Result:
        return bash(command, self.clone, HOME=str(self.folder))

    def do(self, command: Command) -> None:
        done = self.run(command)
        assert done.ok, done.stderr

    @property
    def texts(self) -> tuple[str, str]:
        vendor = self.clone / "web/vendor"
        return (vendor / "text").read_text(), (vendor / "deep/text").read_text()

    @property
    def status(self) -> g.WorkTree:
        return g.parse_work_tree(self.run(g.work_tree()).stdout)

    @property
    def dirty(self) -> bool:
        tree = self.status
        return bool(tree.changed or tree.untracked or tree.moved)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Origins:
    return Origins(tmp_path_factory.mktemp("origins"))


@pytest.fixture
def project(made: Origins, tmp_path: Path) -> Project:
    return Project(made, tmp_path)


def test_a_release_brings_its_submodules_and_takes_them_back(project: Project, made: Origins) -> None:
    assert project.texts == ("1", "1")
    project.do(g.checkout(made.v2))
    assert project.texts == ("2", "2")
    assert not project.dirty
    project.do(g.back(made.v1, "", cut_off=made.v2))
    assert project.texts == ("1", "1")
    assert not project.dirty


def test_git_may_have_been_told_to_go_into_submodules_itself(project: Project, made: Origins) -> None:
    git(project.clone, "config", "submodule.recurse", "true")
    project.do(g.checkout(made.v2))
    assert project.texts == ("2", "2")
    assert not project.dirty
    project.do(g.try_hook())


def test_one_that_goes_and_one_that_comes_leave_nothing_either_way(project: Project, made: Origins) -> None:
    for there in (made.v3, made.v4):
        project.do(g.checkout(there))
        assert (project.clone / "web/vendor/file").exists()
        assert not project.dirty
    assert (project.clone / "another/text").read_text() == "1"
    project.do(g.back(made.v1, ""))
    assert project.texts == ("1", "1")
    assert not project.dirty


def test_an_address_that_the_release_changes_is_followed_and_one_of_the_hosts_own_is_kept(
    project: Project, made: Origins
) -> None:
    config = project.clone / ".git/modules/web/vendor/config"
    # The host knows a way of its own to the repository inside.
    git(project.clone / "web/vendor", "config", "submodule.deep.url", f"{made.deep}/.git")
    project.do(g.checkout(made.v5))
    assert (project.clone / "web/vendor/text").read_text() == "3"
    assert f"url = {made.moved}" in config.read_text()
    assert f"url = {made.deep}/.git" in config.read_text()
    project.do(g.back(made.v1, "", cut_off=made.v5))
    assert f"url = {made.vendor}" in config.read_text()


def test_one_that_cannot_be_had_fails_in_gits_words_and_is_taken_back(
    project: Project, made: Origins
) -> None:
    (project.folder / ".gitconfig").write_text("")
    failed = project.run(g.checkout(made.v4))
    assert not failed.ok
    assert "transport 'file' not allowed" in failed.stderr
    project.do(g.back(made.v1, "", cut_off=made.v4))
    assert project.texts == ("1", "1")
    assert not project.dirty
    # Mended, it comes with the next try.
    (project.folder / ".gitconfig").write_text(ALLOW)
    project.do(g.checkout(made.v4))
    assert (project.clone / "another/text").exists()


def test_one_that_the_host_never_had_does_not_keep_the_old_release_from_coming_back(
    project: Project, made: Origins
) -> None:
    git(project.folder, "clone", "--quiet", str(made.app), "without")
    project.clone = project.folder / "without"
    git(project.clone, "checkout", "--quiet", "--detach", made.v1)
    (project.folder / ".gitconfig").write_text("")
    assert not project.run(g.checkout(made.v2)).ok
    project.do(g.back(made.v1, "", cut_off=made.v2))
    assert git(project.clone, "rev-parse", "HEAD") == made.v1


def test_one_at_another_commit_is_told_apart_from_one_with_edits(project: Project, made: Origins) -> None:
    vendor = project.clone / "web/vendor"
    git(vendor, "checkout", "--quiet", made.second)
    submodule(vendor, "update")
    assert (project.status.moved, project.status.changed) == (("web/vendor",), ())
    (vendor / "text").write_text("by hand")
    assert (project.status.moved, project.status.unclean) == ((), ("web/vendor",))
    assert project.status.changed
    git(vendor, "checkout", "--quiet", "--force", made.first)
    submodule(vendor, "update", "--force")
    (vendor / "new").touch()
    assert project.status.changed == ()
    assert project.status.untracked == ("web/vendor (in it)",)


def test_a_mounted_file_of_a_submodule_changes_with_it(project: Project, made: Origins) -> None:
    def ids(commit_id: str) -> Mapping[str, str]:
        paths = ("web/vendor/text", "web/vendor", "not/there", ".gitmodules")
        return parse_tracked(project.run(g.tree_ids(commit_id, paths)).stdout).ids

    assert ids(made.v1).keys() == {"web/vendor/text", "web/vendor", ".gitmodules"}
    assert ids(made.v1)["web/vendor/text"] == ids(made.v1)["web/vendor"] == made.first
    assert ids(made.v2)["web/vendor/text"] == made.second


def test_one_that_the_host_leaves_out_is_left_out(project: Project, made: Origins) -> None:
    git(project.clone, "config", "submodule.web/vendor.update", "none")
    project.do(g.checkout(made.v2))
    assert project.texts == ("1", "1")
