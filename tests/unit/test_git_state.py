"""What could keep git from moving the work tree: found in real repositories, told in git's words."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, commit, git, quickly, settings

from schedgen_ops.commands import git as g
from schedgen_ops.preflight import code
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

CONFIG = settings("app1")


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    place = tmp_path / "it's here"
    place.mkdir()
    git(place, "init", "--quiet")
    commit(place, "one", a="1", src__b="1")
    return place


def look(repository: Path) -> Result:
    return bash(g.state(), repository)


def problems(repository: Path) -> list[Problem]:
    return list(code.movable(look(repository)))


def test_a_repository_that_nothing_is_wrong_with_has_no_problems(repository: Path) -> None:
    assert problems(repository) == []
    # Files that differ are no problem of git's.
    (repository / "a").write_text("2")
    assert problems(repository) == []


LOCKS = ("index", "shallow", "refs/heads/main", "refs/remotes/origin/x/y")


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_that_was_left_is_refused_with_its_name_and_age(repository: Path, name: str) -> None:
    lock = repository / f".git/{name}.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.touch()
    os.utime(lock, (lock.stat().st_mtime - 7200,) * 2)
    (problem,) = problems(repository)
    assert problem.refuses
    assert str(lock) in problem.text
    assert "2 h" in problem.text
    assert f"rm {lock}" in problem.hint


@contextmanager
def working(repository: Path) -> Iterator[None]:
    """A git of somebody else, in a session of its own, that waits for its input."""
    words, pipe = ["git", "cat-file", "--batch-check"], subprocess.PIPE
    with subprocess.Popen(
        words, cwd=repository, stdin=pipe, stdout=pipe, bufsize=0, start_new_session=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        # Once it has answered, it is git: until then it may still be what started it.
        process.stdin.write(b"HEAD\n")
        process.stdout.readline()
        yield
        process.communicate()


def test_a_lock_of_a_git_at_work_is_told_as_that(repository: Path) -> None:
    lock = repository / ".git/index.lock"
    lock.touch()
    os.utime(lock, (lock.stat().st_mtime - 60,) * 2)
    with working(repository):
        (problem,) = problems(repository)
    assert "git is at work there" in problem.hint
    assert "git cat-file --batch-check" in problem.hint


def as_nobody(command: Command, place: Path) -> Result:
    """Runs it as a user who owns nothing."""
    words = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    text = ["bash", "--norc", "-o", "pipefail", "-c", command.text]
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LC_ALL": "C.UTF-8"}
    trust = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*"}
    chosen = [*words, *text] if os.geteuid() == 0 else text
    done = subprocess.run(
        chosen, cwd=place, env={**env, **trust}, capture_output=True, text=True, check=False, timeout=30
    )
    return Result(done.stdout, done.stderr, done.returncode, 0.0)


def test_what_git_may_not_write_is_told() -> None:
    # Where others may look: pytest's own folders are closed to them.
    with tempfile.TemporaryDirectory() as name:
        repository = Path(name)
        git(repository, "init", "--quiet")
        commit(repository, "one", a="1", src__b="1")
        closed = (repository / "src", repository / ".git", repository)
        for path in closed:
            path.chmod(0o555)
        found = list(code.movable(as_nobody(g.state(), repository)))
        for path in closed:
            path.chmod(0o755)
    texts = [problem.text for problem in found if problem.refuses]
    assert f"git cannot write to {repository}" in texts
    assert f"git cannot write to {repository}/.git" in texts
    (shut,) = [problem.text for problem in found if not problem.refuses]
    assert shut.endswith("\n  src")


def test_an_owner_that_git_mistrusts_is_told_in_its_first_line(repository: Path) -> None:
    if os.geteuid() == 0:
        for path in (repository, repository / ".git"):
            os.chown(path, 65534, 65534)
        answer = bash(g.work_tree(), repository)
        assert not problems(repository)
    else:
        answer = Result("", "fatal: detected dubious ownership in repository at 'x'\nTo add ...\n", 128, 0.0)
    (problem,) = code.tree(CONFIG)(answer)
    assert "fatal: detected dubious ownership in repository at" in problem.text
    assert "git config --global --add safe.directory /srv/schedgen" in problem.hint


@pytest.mark.parametrize("where", [".git/hooks", "hooks of ours"])
def test_a_hook_that_a_checkout_would_run_is_known_and_tried(repository: Path, where: str) -> None:
    assert g.parse_state(look(repository).stdout).hook == ""
    (repository / where).mkdir(exist_ok=True)
    git(repository, "config", "core.hooksPath", where)
    hook = repository / where / "post-checkout"
    hook.write_text("#!/bin/sh\necho 'no git-lfs here' >&2\nexit 2\n")
    assert g.parse_state(look(repository).stdout).hook == ""
    hook.chmod(0o755)
    assert g.parse_state(look(repository).stdout).hook.endswith(f"{where}/post-checkout")
    tried = bash(g.try_hook(), repository)
    assert not tried.ok
    assert g.complaint(tried.stderr) == "no git-lfs here"


def test_a_hook_that_fails_does_not_keep_the_work_tree_from_coming_back(repository: Path) -> None:
    old = git(repository, "rev-parse", "HEAD")
    new = commit(repository, "two", a="2")
    git(repository, "checkout", "--quiet", "--detach", old)
    hook = repository / ".git/hooks/post-checkout"
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    assert not bash(g.checkout(new), repository).ok
    assert bash(g.back(old, "", cut_off=new), repository).ok
    assert git(repository, "rev-parse", "HEAD") == old


def test_a_lock_that_comes_later_is_no_failure_where_nothing_is_to_be_taken_back(repository: Path) -> None:
    old = git(repository, "rev-parse", "HEAD")
    new = commit(repository, "two", a="2")
    git(repository, "reset", "--quiet", "--hard", old)
    (repository / ".git/index.lock").touch()
    failed = bash(g.checkout(new), repository)
    assert not failed.ok
    assert "index.lock" in g.complaint(failed.stderr)
    assert bash(g.back(old, "main", cut_off=new), repository).ok


def test_names_are_shown_as_they_are(repository: Path) -> None:
    names = ("größe", "with space", 'a "quote"', "tab\there", "back\\slash", "🚀")
    for name in names:
        (repository / name).touch()
    answer = bash(g.work_tree(), repository)
    assert sorted(g.parse_work_tree(answer.stdout).untracked) == sorted(names)


@quickly
@given(st.text(min_size=1))
def test_a_path_without_quotes_is_what_it_is(text: str) -> None:
    assert g.unquoted(text) == text or (text[0] == text[-1] == '"' and len(text) > 1)
    octal = "".join(f"\\{byte:03o}" for byte in text.encode())
    assert g.unquoted(f'"{octal}"') == text
