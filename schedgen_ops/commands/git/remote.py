"""What a remote has under a name, fetched and resolved."""

from __future__ import annotations

from schedgen_ops.commands.ref_names import Ref, is_commit
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, sh


def fetch(remote: str, ref: Ref) -> Command:
    """Everything the remote has that the clone follows, and `ref`, whether that is followed or not.

    A tag that was moved there is moved here.
    """
    return host_script("git/fetch", title=f"git fetch {remote}", remote=remote, ref=ref.name)


def resolve(remote: str, ref: Ref) -> Command:
    """The commit that `ref` means, which was fetched: a branch of `remote`, a tag, or a commit."""
    return host_script("git/resolve", title=f"resolve {ref}", remote=remote, ref=ref.name)


def parse_resolved(stdout: str) -> str:
    """The commit's full id, or "missing", or "ambiguous"."""
    return stdout.strip()


def advertised(remote: str, ref: Ref, seconds: int = 30) -> Command:
    """What `remote` itself has under `ref` now, its branch and its tag; nothing is fetched.

    Args:
        seconds: how long it may take to answer; then the exit code is 124.
    """
    branch, tag = _refs(ref)
    words = ("timeout", str(seconds), "git", "ls-remote", "--quiet", remote, branch, tag, f"{tag}^{{}}")
    return sh(*words).with_env("GIT_TERMINAL_PROMPT", "0").named(f"git ls-remote {remote}")


def parse_advertised(stdout: str, ref: Ref) -> str:
    """The id that `ref` means to the remote, "missing", or "ambiguous", as `resolve` would say.

    It is "" for what may be a commit: a remote lists none.
    """
    ids = {name: commit for commit, _, name in (line.partition("\t") for line in stdout.split("\n"))}
    branch, tag = _refs(ref)
    # An annotated tag has an id of its own, and behind it that of its commit.
    tagged = "" if ref.name == branch else ids.get(f"{tag}^{{}}") or ids.get(tag, "")
    at_head = "" if ref.name == tag else ids.get(branch, "")
    if at_head and tagged and at_head != tagged:
        return "ambiguous"
    return at_head or tagged or ("" if is_commit(ref.name) else "missing")


def _refs(ref: Ref) -> tuple[str, str]:
    short = ref.name.removeprefix("refs/heads/").removeprefix("refs/tags/")
    return f"refs/heads/{short}", f"refs/tags/{short}"
