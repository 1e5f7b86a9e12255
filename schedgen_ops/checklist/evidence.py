"""What preflight's probes saw, in words for a box that passed. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schedgen_ops.commands import disks, files, git
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.release import store
from schedgen_ops.remote import Result
from schedgen_ops.text import plural, size


def evidence(results: Mapping[str, Result], ref: Ref) -> dict[str, str]:
    """Return for each probe what it saw; what cannot be read says nothing."""
    readers: dict[str, Callable[[str], str]] = {
        "tree": _tree,
        "source": lambda text: f"{ref} is {(git.parse_advertised(text, ref) or ref.name)[:12]}",
        "engine": lambda text: f"Docker {text.strip()}",
        "builder": lambda text: f"for {text.strip()}",
        "compose": lambda text: f"Compose {text.strip()}",
        "disk": lambda text: f"{size(disks.parse_spaces(text).project.free)} free",
        "load": _load,
        "releases": _releases,
    }
    found = {}
    for name, reader in readers.items():
        try:
            found[name] = reader(results[name].stdout)
        except (ValueError, LookupError, TypeError, AttributeError):
            continue
    return found


def _tree(text: str) -> str:
    tree = git.parse_work_tree(text)
    return f"{tree.branch or 'no branch'} at {tree.commit[:12]}, clean"


def _load(text: str) -> str:
    load = files.parse_load(text)
    return f"CPU {load.cpu_percent:.0f} %, memory {load.memory_percent:.0f} %"


def _releases(text: str) -> str:
    shelf = store.parse_shelf(text)
    serving = f"{shelf.current} serves" if shelf.current else "nothing was deployed by us yet"
    return f"{plural(len(shelf.releases), 'release')}, {serving}"
