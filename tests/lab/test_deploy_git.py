"""Ways in which people use git on a host: submodules, locks that are left, hooks, clones of one branch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops.lab.place import DIRECTORY, Place

# An origin of its own: `sub-1` has a submodule, `sub-2` moves it, `sub-broken` does so and does not build.
_ORIGIN = f"""
cd; rm -rf own.git work rules
git config --global protocol.file.allow always
git config --global user.name t; git config --global user.email t@example.org
git init -q rules; cd rules; echo one > text; git add .; git commit -qm one; cd
git clone -q --bare /srv/git/schedgen.git own.git; git clone -q own.git work; cd work
git checkout -q v1.2.2; git submodule --quiet add ~/rules monitoring/rules
git commit -qm rules; git tag sub-1
(cd ~/rules; echo two > text; git commit -qam two)
git -C monitoring/rules pull -q; git commit -qam moved; git tag sub-2
git checkout -q broken-build; git cherry-pick sub-1 sub-2 > /dev/null; git tag sub-broken
git branch größe sub-2
git push -q origin --tags größe
git -C {DIRECTORY} remote set-url origin ~/own.git
"""
_GONE = f"""
rm -rf ~/own.git ~/work ~/rules ~/.gitconfig
git -C {DIRECTORY} remote set-url origin /srv/git/schedgen.git
"""


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Iterator[Operator]:
    host.sh(_ORIGIN)
    yield Operator(lab, tmp_path, (host,)).configure(health={"settle": 0})
    host.sh(_GONE)


def _rules(host: Box) -> str:
    return host.sh("cat monitoring/rules/text; git status --porcelain")


def test_submodules_go_with_a_release_and_come_back_with_the_old_one(op: Operator, host: Box) -> None:
    op.deploy("sub-1")
    assert _rules(host) == "one"
    ran = op("deploy", "--branch", "sub-broken")
    assert ran.code == 4, ran.output
    assert _rules(host) == "one"
    # One branch is all that this clone follows from now on.
    host.sh("git config remote.origin.fetch +refs/heads/main:refs/remotes/origin/main")
    assert "größe" in op("deploy.plan", "--branch", "größe").output
    op.deploy("größe")
    assert _rules(host) == "two"
    ran = op("rollback", "--yes")
    assert ran.code == 0, ran.output
    assert _rules(host) == "one"


HOOK = ".git/hooks/post-checkout"
LEFT = "touch -d '2 hours ago' .git/index.lock; chown deploy: .git/index.lock"


def test_what_would_stop_git_is_refused_before_anything_is_changed(op: Operator, host: Box) -> None:
    with kit.as_root(host, LEFT, "rm .git/index.lock"):
        before = kit.tree(host), kit.engine(host)
        ran = op("deploy", "--branch", "sub-1")
        assert (kit.tree(host), kit.engine(host)) == before
    assert ran.code == 3, ran.output
    assert f"{DIRECTORY}/.git/index.lock, 2 h" in ran.output
    made = f"printf '#!/bin/sh\\necho no git-lfs here >&2; exit 2\\n' > {HOOK}; chmod 755 {HOOK}"
    with kit.as_root(host, made, f"rm {HOOK}"):
        ran = op("deploy", "--branch", "sub-1")
    assert ran.code == 3, ran.output
    assert "the hook that git runs after a checkout fails: no git-lfs here" in ran.output
    assert host.sh("git status --porcelain; git describe --tags") == "v1.2.2"
