"""The git repository of the reference application: releases v1.2.1 to v1.2.4, and broken ones.

The first release is a tree of files, every later one a patch to its parent. The history is linear on
`main`. Each broken release is one commit on top of v1.2.3, on a branch of its
own. The same sources always give the same commits: authors and dates are fixed and nothing of the user's
git configuration is read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

BASE = Path(__file__).parent / "source" / "base"
PATCHES = Path(__file__).parent / "source" / "patches"
SAMPLE_PDF = Path(__file__).parent / "samples" / "schedule.pdf"
SEED = Path(__file__).parent / "seed"
AUTHOR = {"NAME": "Thandi Mokoena", "EMAIL": "thandi@schedules.example"}
FIRST_COMMIT = 1717401600  # seconds since the epoch
DAY = 86400

# Dotfiles are stored under another name: packaging passes them over, and a .gitignore would act here.
DOT = "dot_"


@dataclass(frozen=True, slots=True)
class LabTag:
    """One tag: its commit message, and the tag of the commit it is built on."""

    tag: str
    message: str
    parent: str | None

    @property
    def branch(self) -> str:
        return f"broken/{self.tag.removeprefix('broken-')}" if self.is_broken else "main"

    @property
    def is_broken(self) -> bool:
        return self.tag.startswith("broken-")


RELEASES: tuple[LabTag, ...] = (
    LabTag("v1.2.1", "Generate schedules from weekly, test and exam PDFs", None),
    LabTag("v1.2.2", "Pass uploads through the page's own address", "v1.2.1"),
    LabTag("v1.2.3", "Count the pages of a schedule and show them", "v1.2.2"),
    LabTag("v1.2.4", "List recent uploads", "v1.2.3"),
    LabTag("broken-build", "Check uploads against the module catalogue", "v1.2.3"),
    LabTag("broken-migration", "Remember who uploaded a schedule", "v1.2.3"),
    LabTag("broken-health", "Report healthy only when the templates are loaded", "v1.2.3"),
    LabTag("broken-crash", "Purge uploads that were never finished", "v1.2.3"),
    LabTag("broken-errors", "Spread the audit trail over eight buffers", "v1.2.3"),
    LabTag("broken-slow", "Limit how fast one client may call the API", "v1.2.3"),
    LabTag("broken-leak", "Keep a profile of recent memory use", "v1.2.3"),
)
"""In build order: a release comes after its parent."""


def build_repository(destination: Path) -> None:
    """Make the repository at `destination`, which must not exist or be empty; `main` is checked out.

    Raises `RuntimeError` with git's own words when git fails.
    """
    destination.mkdir(parents=True, exist_ok=True)
    _git(destination, 0, "init", "--quiet", "--template=", "--initial-branch=main")
    for number, release in enumerate(RELEASES):
        _commit(destination, number, release)
    _git(destination, 0, "checkout", "--quiet", "main")


def _commit(repository: Path, number: int, release: LabTag) -> None:
    """Commit and tag one release on its branch."""
    if release.parent is not None:
        _git(repository, number, "checkout", "--quiet", "-B", release.branch, f"{release.parent}^{{commit}}")
        _git(repository, number, "apply", "--index", str(PATCHES / f"{release.tag}.patch"))
    else:
        _lay_base(repository)
        _git(repository, number, "add", "--all", ".")
    _git(repository, number, "commit", "--quiet", "--message", release.message)
    annotation = () if release.is_broken else ("--annotate", "--message", f"Release {release.tag}")
    _git(repository, number, "tag", *annotation, release.tag)


def _lay_base(repository: Path) -> None:
    for path in sorted(BASE.rglob("*")):
        if path.is_file():
            folder = repository / path.parent.relative_to(BASE)
            folder.mkdir(parents=True, exist_ok=True)
            name = f".{path.name.removeprefix(DOT)}" if path.name.startswith(DOT) else path.name
            shutil.copyfile(path, folder / name)


def _git(repository: Path, day: int, *arguments: str) -> None:
    date = f"{FIRST_COMMIT + day * DAY} +0200"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    people = {f"GIT_{who}_{key}": value for who in ("AUTHOR", "COMMITTER") for key, value in AUTHOR.items()}
    dates = {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date}
    isolation = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1", "GIT_DEFAULT_HASH": "sha1"}
    options = ("-c", "core.autocrlf=false", "-c", "core.fileMode=false")
    environment = inherited | people | dates | isolation
    done = subprocess.run(
        ("git", "-C", str(repository), *options, *arguments),
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        raise RuntimeError(f"git {arguments[0]} failed: {done.stderr.strip()}")
