"""What a remote has under a name, fetched and resolved."""

from __future__ import annotations

from schedgen_ops.commands.ref_names import is_commit
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, sh


def fetch(remote: str, name: str) -> Command:
    """Everything the remote has that the clone follows, and `name`, whether that is followed or not.

    A tag that was moved there is moved here.
    """
    return host_script("git/fetch", title=f"git fetch {remote}", remote=remote, name=name)


def resolve(remote: str, name: str) -> Command:
    """The commit that `name` means, which was fetched: a branch of `remote`, a tag, or a commit."""
    return host_script("git/resolve", title=f"resolve {name}", remote=remote, name=name)


def parse_resolved(stdout: str) -> str:
    """The commit's full id, or "missing", or "ambiguous"."""
    return stdout.strip()


def advertised(remote: str, name: str, seconds: int = 30) -> Command:
    """What `remote` itself has under `name` now, its branch and its tag; nothing is fetched.

    Args:
        seconds: how long it may take to answer; then the exit code is 124.
    """
    branch, tag = _refs(name)
    words = ("timeout", str(seconds), "git", "ls-remote", "--quiet", remote, branch, tag, f"{tag}^{{}}")
    return sh(*words).with_env("GIT_TERMINAL_PROMPT", "0").named(f"git ls-remote {remote}")


def parse_advertised(stdout: str, name: str) -> str:
    """The id that `name` means to the remote, "missing", or "ambiguous", as `resolve` would say.

    It is "" for what may be a commit: a remote lists none.
    """
    ids = {ref: commit for commit, _, ref in (line.partition("\t") for line in stdout.split("\n"))}
    branch, tag = _refs(name)
    # An annotated tag has an id of its own, and behind it that of its commit.
    tagged = "" if name == branch else ids.get(f"{tag}^{{}}") or ids.get(tag, "")
    at_head = "" if name == tag else ids.get(branch, "")
    if at_head and tagged and at_head != tagged:
        return "ambiguous"
    return at_head or tagged or ("" if is_commit(name) else "missing")


def _refs(name: str) -> tuple[str, str]:
    short = name.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return f"refs/heads/{short}", f"refs/tags/{short}"
