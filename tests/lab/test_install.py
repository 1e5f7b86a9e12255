"""The package installed beside another repository: a one-line tasks.py and a config folder suffice."""

from __future__ import annotations

import os
import site
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
from box import ROOT, Box
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

INV = ("python", "-m", "invoke")
SCHEDGEN = ("schedgen",)
TASKS = ("deploy", "deploy.plan", "backup.last", "verify.extended", "config.check")
NEEDED = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "schedgen_ops")


@dataclass(frozen=True, slots=True)
class Installed:
    """A virtual environment of its own, and a repository that is not ours."""

    programs: Path
    repository: Path

    def run(self, *words: str, **env: str) -> str:
        """What a program of the environment prints; fails the test if it fails."""
        done = subprocess.run(
            [self.programs / words[0], *words[1:]],
            cwd=self.repository,
            env={**_environment(), **env},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("install")
    wheel = _wheel(folder)
    _run(sys.executable, "-m", "venv", "--without-pip", str(folder / "venv"))
    python = folder / "venv" / "bin" / "python"
    _run(sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", str(wheel))
    _borrow_dependencies(folder / "venv")
    repository = folder / "repository"
    repository.mkdir()
    (repository / "tasks.py").write_text("from schedgen_ops.tasks import namespace  # noqa: F401\n")
    return Installed(python.parent, repository)


def _wheel(folder: Path) -> Path:
    """Built from a copy, so that nothing is left in the tree."""
    source = folder / "source"
    source.mkdir()
    for name in NEEDED:
        if (ROOT / name).exists():
            _run("cp", "-r", str(ROOT / name), str(source))
    options = ("--quiet", "--no-deps", *_builder(), "--wheel-dir", str(folder))
    _run(sys.executable, "-m", "pip", "wheel", *options, str(source))
    (wheel,) = folder.glob("schedgen_ops-*.whl")
    return wheel


def _builder() -> tuple[str, ...]:
    """The setuptools of this environment where they can build a wheel alone; else pip fetches some."""
    try:
        major, minor = map(int, version("setuptools").split(".")[:2])
    except PackageNotFoundError:
        return ()
    return ("--no-build-isolation",) if (major, minor) >= (70, 1) else ()


def _borrow_dependencies(venv: Path) -> None:
    """The dependencies of this environment, so that none has to be fetched."""
    (packages,) = venv.glob("lib/python*/site-packages")
    lines = [path for path in site.getsitepackages() if Path(path).is_dir()]
    (packages / "borrowed.pth").write_text("\n".join(lines) + "\n")


def _environment() -> dict[str, str]:
    """Ours, without a path that would lead to this repository."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}


def _run(*words: str) -> None:
    done = subprocess.run(words, env=_environment(), capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_both_programs_list_the_tasks(installed: Installed) -> None:
    for program in (INV, SCHEDGEN):
        listed = installed.run(*program, "--list")
        names = {line.split()[0] for line in listed.splitlines() if line.startswith("  ")}
        assert set(TASKS) <= names
    assert "schedgen" in installed.run("schedgen", "--version").lower()


def test_it_is_the_installed_copy_that_runs(installed: Installed) -> None:
    where = installed.run("python", "-c", "import schedgen_ops; print(schedgen_ops.__file__)")
    assert Path(where.strip()).is_relative_to(installed.programs.parent)


def test_a_task_works_from_there(installed: Installed, lab: Place, host: Box) -> None:
    Operator(lab, installed.repository, (host,)).configure()
    state = {"SCHEDGEN_STATE": str(installed.repository / "state")}
    for program in (INV, SCHEDGEN):
        assert "Nothing was deployed yet." in installed.run(
            *program, "deploy.history", "--env", "lab", **state
        )
