"""What git answers, judged: the work tree, what could keep it from moving, what the remote has. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from schedgen_ops.commands import git
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.preflight.probe import Judge, Problem, listed, unknown
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.text import duration

# The exit code of `timeout`.
_TIMED_OUT = 124


def _said(result: Result) -> str:
    return git.complaint(result.stderr) or f"exit code {result.code}"


def tree(settings: Settings) -> Judge:
    """Find whether anything that git tracks differs from the commit that is checked out."""

    def look(result: Result) -> Iterator[Problem]:
        if not result.ok:
            yield Problem(
                f"git does not answer in the project directory: {_said(result)}", _mended(result, settings)
            )
            return
        found = git.parse_work_tree(result.stdout)
        if not git.is_commit(found.commit):
            raise ValueError(f"no commit: {found.commit!r}")
        if found.changed:
            hint = "Commit them, or take them back: `inv run -- git checkout -- FILE`."
            if found.unclean:
                hint += f" What is in a submodule, `inv run -- git -C {found.unclean[0]} status` lists."
            yield Problem("the work tree has changes of its own:\n" + listed(found.changed), hint)
        if found.moved:
            text = "submodules at another commit than the work tree names; they will follow it:\n"
            yield Problem(text + listed(found.moved), refuses=False)
        if found.untracked:
            text = "files that git does not know, left as they are:\n" + listed(found.untracked)
            yield Problem(text, refuses=False)

    return look


def _mended(result: Result, settings: Settings) -> str:
    if "dubious ownership" not in result.stderr:
        return ""
    where = settings.directory
    return f"As the user that deploys: `inv run -- git config --global --add safe.directory {where}`."


def movable(result: Result) -> Iterator[Problem]:
    """Find what keeps git from moving the work tree."""
    if not result.ok:
        # Where git refuses altogether, the look at the work tree has said so.
        if not result.stderr.startswith("fatal:"):
            yield unknown("whether git can move the work tree", result)
        return
    found = git.parse_state(result.stdout)
    if found.locks:
        yield _locked(found)
    for path in found.closed:
        yield Problem(f"git cannot write to {path}", f"Look at its owner and mode: ls -ld {path}")
    if found.said and not found.closed:
        yield Problem(f"git cannot write its index: {found.said}")
    if found.shut:
        text = "folders that this user may not write to; a release that changes a file there will fail:\n"
        yield Problem(text + listed(found.shut), refuses=False)


def _locked(state: git.WorkTreeState) -> Problem:
    locks = [f"{lock.path}, {duration(lock.seconds, tenths=False)} old" for lock in state.locks]
    text = "git is locked in the project directory:\n" + listed(locks)
    if state.running:
        running = ", ".join(state.running)
        return Problem(text, f"git is at work there: wait until it has ended (process {running}).")
    paths = " ".join(lock.path for lock in state.locks)
    return Problem(
        text, f"It is left of a git that was killed. Where none is at work: `inv run -- rm {paths}`."
    )


def source(settings: Settings, ref: Ref) -> Judge:
    """Find whether the remote has `ref`."""
    remote = settings.remote

    def look(result: Result) -> Iterator[Problem]:
        if result.ok:
            problem = unclear(git.parse_advertised(result.stdout, ref), ref, remote)
            if problem is not None:
                yield problem
            return
        said = "it took too long" if result.code == _TIMED_OUT else _said(result)
        hint = f"Try it: `inv run -- git ls-remote {remote}`."
        yield Problem(f"the git remote {remote} does not answer: {said}", hint)

    return look


def unclear(meaning: str, ref: Ref, remote: str) -> Problem | None:
    """Return why `ref` cannot be fetched, where its `meaning`, as git found it, is no commit or two."""
    if meaning == "missing":
        return Problem(
            f"{remote} has no branch, tag or commit {ref.name!r}",
            f"`inv run -- git ls-remote {remote}` lists what there is.",
        )
    if meaning == "ambiguous":
        return Problem(
            f"{ref.name!r} is a branch and a tag, and they differ",
            f"Say which: --branch refs/heads/{ref} or --branch refs/tags/{ref}.",
        )
    return None
