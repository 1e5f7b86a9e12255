"""docs/runbook.md: all of the runbook, commands that Invoke takes as they stand, tests that exist."""

from __future__ import annotations

import ast
import re
import shlex

import pytest
from invoke.exceptions import ParseError
from invoke.parser import Parser
from kit import ROOT

from schedgen_ops.tasks import namespace

DOCUMENT = (ROOT / "docs/runbook.md").read_text()
# The runbook's own sections, in its order.
SECTIONS = (
    "## Before a deploy: the checklist",
    "### 1. The environment",
    "### 2. The code",
    "### 3. How the system is",
    "### 4. Backups",
    "### 5. The team",
    "### 6. Dashboards and logs",
    "## Deploying",
    "### Method 1: a deploy",
    "### Method 2: a deploy that is watched",
    "### Method 3: a branch or a tag",
    "## After a deploy: verification",
    "### Immediately",
    "### What users do",
    "### For the next hour",
    "### Performance",
    "## When something is wrong",
    "### Issue 1: the backup fails",
    "### Issue 2: the build fails",
    "### Issue 3: a migration fails",
    "### Issue 4: a service is not healthy",
    "### Issue 5: many errors after a deploy",
    "### Issue 6: the verification fails",
    "## Going back",
    "### When",
    "### How",
    "## Emergencies",
    "### Everything is down",
    "### The database is corrupt",
    "### Whom to call",
    "## Habits",
    "### Before",
    "### During",
    "### After",
    "## The checklist in short",
    "## Requirements",
    "### 12.1: migrations by themselves, before the services",
    "### 12.2: no downtime, each service seen healthy",
    "### 12.4: verified, by health checks and as a user would",
    "### 12.5: a backup before each deploy, made and proven",
)
PARTS = dict(zip(SECTIONS, re.split(r"^##+ .*$", DOCUMENT, flags=re.MULTILINE)[1:], strict=False))
COMMANDS = sorted({*re.findall(r"`inv ([^`]+)`", DOCUMENT), *re.findall(r"^    inv (.+)$", DOCUMENT, re.M)})
REQUIREMENTS = [head for head in SECTIONS if re.match(r"### 12\.", head)]


def parsed(line: str) -> str:
    """Return the name of the task that `inv LINE` calls; raises ParseError where Invoke would not take it."""
    parser = Parser(contexts=namespace.to_contexts(), ignore_unknown=False)
    words = shlex.split(line.replace(r"\|", "|"))
    (found,) = parser.parse_argv(words)
    # Its own word, and none that was taken for a task.
    assert words[0] in (found.name, *found.aliases)
    return str(found.name)


def test_every_section_of_the_runbook_is_there_in_its_order() -> None:
    assert tuple(re.findall(r"^##+ .*$", DOCUMENT, re.MULTILINE)) == SECTIONS


@pytest.mark.parametrize("section", SECTIONS)
def test_every_section_says_something(section: str) -> None:
    assert PARTS[section].strip() or f"{section}\n\n###" in DOCUMENT


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_is_taken_as_it_stands(line: str) -> None:
    assert parsed(line)


@pytest.mark.parametrize("line", ["deploy.nothing", "deploy --brunch x", "backup.restore", "status backend"])
def test_what_is_no_command_is_found(line: str) -> None:
    with pytest.raises((ParseError, ValueError)):
        parsed(line)


def test_every_row_has_one_of_ours_or_says_where_that_is() -> None:
    for theirs, ours in re.findall(r"^\| (.*?) (?<!\\)\| (.*) \|$", DOCUMENT, re.MULTILINE):
        assert ours in ("here", "ticked by") or re.search(r"`inv |`[a-z_]+[.:]?|nothing: |\]\(", ours), theirs


@pytest.mark.parametrize("head", REQUIREMENTS)
def test_each_requirement_is_held_by_tests_that_are_there(head: str) -> None:
    nodes = re.findall(r"^- `(.+?)::(.+?)`$", PARTS[head], re.MULTILINE)
    assert {file.split("/")[1] for file, _ in nodes} == {"unit", "lab"}
    for file, name in nodes:
        tree = ast.parse((ROOT / file).read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (
            f"{file}::{name}"
        )


def test_no_command_of_ours_needs_a_shell_on_a_host() -> None:
    ours = [row for _, row in re.findall(r"^\| (.*?) (?<!\\)\| (.*) \|$", DOCUMENT, re.MULTILINE)]
    assert not [row for row in ours if re.search(r"`(ssh|docker|psql|curl|git) ", row)]
