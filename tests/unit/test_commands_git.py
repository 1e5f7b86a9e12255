"""git: what names mean in a real repository, its state and its answers read."""

from __future__ import annotations

from pathlib import Path

import pytest
from kit import bash, commit, git, recorded

from schedgen_ops.commands import git as g
from schedgen_ops.commands.own_files import Tracked, parse_tracked


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A clone whose origin has branches, tags, a name that is both, and a branch that looks like a commit."""
    origin = tmp_path_factory.mktemp("origin")
    git(origin, "init", "--quiet")
    first = commit(origin, "one", compose_dot_yaml="services: {}\n")
    git(origin, "tag", "v1.0.0")
    git(origin, "tag", "--annotate", "--message", "x", "v1.0.1")
    git(origin, "branch", "same")
    git(origin, "tag", "same")
    second = commit(origin, "two -- really --", backend__src__migrations__2_dot_js="x")
    git(origin, "branch", "both")
    git(origin, "tag", "both", first)
    git(origin, "branch", "feature/x", first)
    git(origin, "branch", "abcdef1", second)
    clone = tmp_path_factory.mktemp("clone") / "it's a project"
    git(origin, "clone", "--quiet", str(origin), str(clone))
    return clone


def meaning(repository: Path, name: str) -> str:
    answer = bash(g.resolve("origin", g.Ref(name)), repository)
    assert answer.ok, answer.stderr
    return g.parse_resolved(answer.stdout)


@pytest.mark.parametrize(
    ("name", "means"),
    [
        ("main", "origin/main"),
        ("feature/x", "v1.0.0"),
        ("refs/heads/main", "origin/main"),
        ("v1.0.0", "v1.0.0"),
        ("v1.0.1", "v1.0.0"),
        ("refs/tags/v1.0.0", "v1.0.0"),
        ("same", "v1.0.0"),
        ("refs/heads/both", "origin/main"),
        ("refs/tags/both", "v1.0.0"),
        ("abcdef1", "origin/main"),
    ],
)
def test_a_name_means_a_branch_of_the_remote_or_a_tag(repository: Path, name: str, means: str) -> None:
    assert meaning(repository, name) == git(repository, "rev-parse", f"{means}^{{commit}}")


def test_a_commit_means_itself_however_short(repository: Path) -> None:
    full = git(repository, "rev-parse", "origin/main")
    assert meaning(repository, full) == meaning(repository, full[:7]) == full
    assert g.is_commit(full)


@pytest.mark.parametrize(
    "name", ["gone", "refs/tags/main", "refs/heads/v1.0.0", "0" * 40, "deadbee", "origin/main"]
)
def test_a_name_that_means_nothing_is_missing(repository: Path, name: str) -> None:
    assert meaning(repository, name) == "missing"


def test_a_name_that_means_two_things_is_ambiguous(repository: Path) -> None:
    assert meaning(repository, "both") == "ambiguous"


def test_a_local_branch_that_was_never_pushed_is_not_deployed(repository: Path) -> None:
    git(repository, "branch", "local-only")
    assert meaning(repository, "local-only") == "missing"


def advertised(repository: Path, name: str) -> str:
    answer = bash(g.advertised("origin", g.Ref(name)), repository)
    assert answer.ok, answer.stderr
    return g.parse_advertised(answer.stdout, g.Ref(name))


@pytest.mark.parametrize(
    "name",
    ["main", "feature/x", "v1.0.0", "v1.0.1", "same", "both", "abcdef1", "gone", "origin/main"]
    + [f"refs/{kind}/{name}" for kind in ("heads", "tags") for name in ("main", "v1.0.1", "both", "same")],
)
def test_the_remote_says_what_the_fetched_repository_would(repository: Path, name: str) -> None:
    assert advertised(repository, name) == meaning(repository, name)


def test_the_remote_cannot_say_of_a_commit_whether_it_has_it(repository: Path) -> None:
    for name in (git(repository, "rev-parse", "origin/main"), "deadbee"):
        assert advertised(repository, name) == ""


def test_asking_the_remote_changes_nothing(repository: Path, tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    git(tmp_path, "clone", "--quiet", git(repository, "remote", "get-url", "origin"), str(origin))
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    new = commit(origin, "new", a="1")
    before = git(clone, "rev-parse", "origin/main")
    assert (advertised(clone, "main"), git(clone, "rev-parse", "origin/main")) == (new, before)


def test_everything_is_fetched_and_a_tag_that_moved_is_moved(tmp_path: Path) -> None:
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    origin.mkdir()
    git(origin, "init", "--quiet")
    commit(origin, "one", a="1")
    git(origin, "tag", "v1")
    git(origin, "branch", "old")
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    second = commit(origin, "two", a="2")
    git(origin, "tag", "--force", "v1")
    git(origin, "branch", "--delete", "--force", "old")
    for name in ("v1", "main", "old"):
        assert bash(g.fetch("origin", g.Ref(name)), clone).ok
    assert meaning(clone, "v1") == meaning(clone, "main") == second
    assert meaning(clone, "old") == "missing"


def test_a_remote_that_is_gone_is_an_error_and_no_prompt(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "remote", "add", "origin", str(tmp_path / "gone"))
    answer = bash(g.fetch("origin", g.Ref("main")), tmp_path)
    assert not answer.ok
    assert "gone" in answer.stderr


def test_a_checkout_that_was_cut_off_can_be_taken_back(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    old = commit(tmp_path, "old", a="1", c="1", gone="1")
    (tmp_path / "gone").unlink()
    new = commit(tmp_path, "new", a="2", b="2", c="2")
    git(tmp_path, "checkout", "--quiet", "--detach", old)
    # What git has written before it writes its index.
    (tmp_path / "gone").unlink()
    (tmp_path / "a").write_text("2")
    (tmp_path / "b").write_text("2")
    assert bash(g.back(old, "", cut_off=new), tmp_path).ok
    assert git(tmp_path, "status", "--porcelain") == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == [".git", "a", "c", "gone"]


def test_edits_and_files_of_somebody_else_outlive_it(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    old = commit(tmp_path, "old", a="1")
    new = commit(tmp_path, "new", a="1", b="2")
    (tmp_path / "a").write_text("edited")
    assert bash(g.back(new, "main", cut_off=new), tmp_path).ok
    assert (tmp_path / "a").read_text() == "edited"
    git(tmp_path, "checkout", "--quiet", "--", "a")
    git(tmp_path, "checkout", "--quiet", "--detach", old)
    # git itself refuses to replace it, and has written nothing then.
    (tmp_path / "b").write_text("mine")
    assert not bash(g.checkout(new), tmp_path).ok
    assert bash(g.back(old, "", cut_off=new), tmp_path).ok
    assert (tmp_path / "b").read_text() == "mine"


def look(folder: Path) -> g.WorkTree:
    answer = bash(g.work_tree(".schedgen", "backups"), folder)
    assert answer.ok, answer.stderr
    return g.parse_work_tree(answer.stdout)


def test_a_work_tree_tells_its_branch_its_changes_and_what_git_does_not_know(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    head = commit(tmp_path, "one", a="1", b="2", _dot_gitignore="ignored\n")
    assert look(tmp_path) == g.WorkTree(head, "main", (), ())
    for name in ("ignored", "new file"):
        (tmp_path / name).touch()
    for folder in (".schedgen", "backups"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "x").touch()
    (tmp_path / "a").write_text("changed")
    (tmp_path / "b").unlink()
    tree = look(tmp_path)
    assert tree.changed == (" M a", " D b")
    assert tree.untracked == ("new file",)


def test_a_detached_head_has_no_branch(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    head = commit(tmp_path, "one", a="1")
    git(tmp_path, "checkout", "--quiet", "--detach")
    assert look(tmp_path) == g.WorkTree(head, "", (), ())


def test_a_folder_without_git_or_without_commits_is_an_error(tmp_path: Path) -> None:
    assert not bash(g.work_tree(), tmp_path).ok
    git(tmp_path, "init", "--quiet")
    assert not bash(g.work_tree(), tmp_path).ok


def test_the_work_tree_goes_to_a_commit_and_back_to_its_branch(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    first = commit(tmp_path, "one", a="1")
    second = commit(tmp_path, "two", a="2")
    assert bash(g.checkout(first), tmp_path).stderr == ""
    assert look(tmp_path) == g.WorkTree(first, "", (), ())
    assert bash(g.back(second, "main"), tmp_path).ok
    assert look(tmp_path) == g.WorkTree(second, "main", (), ())


def test_local_changes_are_never_overwritten(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    first = commit(tmp_path, "one", a="1")
    commit(tmp_path, "two", a="2")
    (tmp_path / "a").write_text("by hand")
    assert not bash(g.checkout(first), tmp_path).ok
    assert (tmp_path / "a").read_text() == "by hand"


def test_new_migrations_are_the_files_that_were_added(repository: Path) -> None:
    path = "backend/src/migrations"
    answer = bash(g.added("v1.0.0", "origin/main", path), repository)
    assert g.parse_paths(answer.stdout) == (f"{path}/2.js",)
    assert g.parse_paths(bash(g.added("origin/main", "v1.0.0", path), repository).stdout) == ()


def test_files_that_containers_mount_are_known_by_their_ids(repository: Path) -> None:
    answer = bash(g.tree_ids("HEAD", ("compose.yaml", "backend", "not/there")), repository)
    ids = parse_tracked(answer.stdout).ids
    assert ids == {
        "compose.yaml": git(repository, "rev-parse", "HEAD:compose.yaml"),
        "backend": git(repository, "rev-parse", "HEAD:backend"),
    }
    assert parse_tracked(bash(g.tree_ids("HEAD", ()), repository).stdout) == Tracked()
    both = bash(g.tree_ids("HEAD", ("backend", "backend/src/migrations/2.js")), repository)
    assert parse_tracked(both.stdout).ids.keys() == {"backend", "backend/src/migrations/2.js"}


def test_recorded_ids_are_read() -> None:
    assert parse_tracked(recorded("ls_tree.bin")).ids == {
        "monitoring/prometheus.yml": "3075b9496decec7192c1ab93dd007297de206f19"
    }


def test_a_recorded_work_tree_is_read() -> None:
    tree = g.parse_work_tree(recorded("work_tree.txt"))
    assert g.is_commit(tree.commit)
    assert (tree.branch, tree.changed, tree.untracked) == ("", (), ())


def test_sections_are_divided_by_lines_that_say_nothing_else() -> None:
    assert g.sections("a --\n--\n--x\n--\n", 3) == ["a --\n", "--x\n", ""]
    assert g.sections("--\n--\n", 2) == ["", "--\n"]
    with pytest.raises(ValueError, match="1 parts instead of 2"):
        g.sections("none", 2)
