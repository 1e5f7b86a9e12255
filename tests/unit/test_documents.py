"""What the documents name is there: tasks, their options, and what links lead to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from invoke.collection import Collection

from schedgen_ops.tasks import namespace

REPOSITORY = Path(__file__).parents[2]
DOCUMENTS = sorted([*REPOSITORY.glob("*.md"), *REPOSITORY.glob("docs/*.md")])
# Tasks of the examples in library.md, and of Invoke's own manner.
EXAMPLES = {"disk"}


def anchors(document: Path) -> set[str]:
    """Return the anchors of a document's headings, as they are made on GitHub."""
    heads = re.findall(r"^#+ (.*)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


def tasks(collection: Collection) -> dict[str, set[str]]:
    """Return every name by which a task can be called, and the options that it has."""
    found: dict[str, set[str]] = {}
    for name, others in collection.task_names.items():
        options = {option for argument in collection[name].get_arguments() for option in argument.names}
        options = {option.replace("_", "-") for option in options}
        found |= dict.fromkeys((name, *others), options)
    return found


def typed(document: Path) -> Iterator[tuple[str, list[str]]]:
    """Return what a document says to type: the task and its long options."""
    for line in re.findall(r"(?:`|^    )inv ([^`#\n]+)", document.read_text(), re.MULTILINE):
        # Two spaces and more are before what it means.
        # What stands behind -- is a command of the host's.
        name, *words = re.split(r"\s{2,}|\s--(?:\s|$)", line.strip())[0].split()
        if not name.startswith("-"):
            yield (
                name.rstrip(":,"),
                [re.sub("^--(no-)?", "", word.split("=")[0]) for word in words if word.startswith("--")],
            )


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_leads_somewhere(document: Path) -> None:
    for path, anchor in re.findall(r"\]\(([^)#\s]*)(?:#([^)]*))?\)", document.read_text()):
        if path.startswith("http"):
            continue
        target = document.parent / path if path else document
        assert target.exists(), path
        assert not anchor or anchor in anchors(target), anchor


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_task_that_is_named_is_there_with_its_options(document: Path) -> None:
    there = tasks(namespace)
    for name, options in typed(document):
        if name in EXAMPLES:
            continue
        assert name in there, f"inv {name}"
        assert set(options) <= there[name], f"inv {name} {options}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_module_that_is_named_is_there(document: Path) -> None:
    there = ["/" + str(path.relative_to(REPOSITORY)) for path in sorted(REPOSITORY.glob("[st]*/**/*.py"))]
    for name in re.findall(r"`([\w/]+\.py)`", document.read_text()):
        assert name == "tasks.py" or any(path.endswith(f"/{name}") for path in there), name


def test_the_readme_is_for_the_first_five_minutes() -> None:
    assert len((REPOSITORY / "README.md").read_text().splitlines()) <= 200
