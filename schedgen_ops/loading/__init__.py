"""Config file and environment to Settings: all problems at once, each with file, line and path.

    settings = load("production", root=Path.cwd())

`read` and `read_all` give the same without raising, for those who show problems and origins.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from schedgen_ops.errors import ConfigError
from schedgen_ops.loading import files

if TYPE_CHECKING:
    from schedgen_ops.loading.reading import Override, Reading
    from schedgen_ops.settings import Settings

DEFAULT = "production"


def load(
    env: str | None = None,
    *,
    root: Path,
    environ: Mapping[str, str] | None = None,
    options: tuple[Override, ...] = (),
) -> Settings:
    """Return the settings in force for an environment.

    Args:
        env: its name; by default SCHEDGEN_ENV, else production.
        root: the folder where the search for config/ENV.yaml begins; it goes upwards from there.
        environ: the environment variables to honour; by default the process's own.
        options: values of the command line, which win over variables and files.

    Raises:
        ConfigError: no such environment, or anything wrong with it; it lists every problem.
    """
    return sound(read(env, root=root, environ=environ, options=options))


def sound(reading: Reading) -> Settings:
    """Return the settings of a reading without problems.

    Raises:
        ConfigError: it has; the error lists them all.
    """
    if reading.settings is None:
        count = len(reading.problems)
        raise ConfigError(
            f"{reading.main.source} has {count} problem{'s' if count > 1 else ''}",
            problems=tuple(map(str, reading.problems)),
            hint=f"`inv config.check --env {reading.environment}` shows them again.",
        )
    return reading.settings


def read(
    env: str | None = None,
    *,
    root: Path,
    environ: Mapping[str, str] | None = None,
    options: tuple[Override, ...] = (),
) -> Reading:
    """Return the settings with the origin of each value, and with problems kept instead of raised.

    Raises:
        ConfigError: there is no such environment, or its name is empty.
    """
    from schedgen_ops.loading import reading

    environ = os.environ if environ is None else environ
    name = named(env, environ)
    folder = files.find_folder(root, environ, name)
    if name not in files.environments(folder):
        raise _unknown(name, folder, root)
    return reading.read(name, folder / f"{name}.yaml", root, environ, options)


def named(env: str | None, environ: Mapping[str, str]) -> str:
    """Return the name of the environment: the one that was said, else SCHEDGEN_ENV, else production.

    Raises:
        ConfigError: an empty name was said.
    """
    if env == "":
        # As of a shell variable that is not set: it must never come to mean production.
        raise ConfigError("an environment has a name, not ''", hint="Nothing was changed.")
    return env or environ.get("SCHEDGEN_ENV") or DEFAULT


def read_all(*, root: Path, environ: Mapping[str, str] | None = None) -> tuple[Reading, ...]:
    """Return a Reading of every environment there is, sorted by name.

    Raises:
        ConfigError: there is no config folder.
    """
    environ = os.environ if environ is None else environ
    folder = files.find_folder(root, environ)
    names = files.environments(folder)
    return tuple(read(name, root=root, environ=environ) for name in names)


def _unknown(name: str, folder: Path, root: Path) -> ConfigError:
    from schedgen_ops.loading.explain import suggest

    known = files.environments(folder)
    near = suggest(name, known)
    there = f"There are: {', '.join(known)}." if known else "There is no environment in it."
    guess = f"Did you mean {' or '.join(map(repr, near))}? " if near else ""
    return ConfigError(
        f"there is no environment {name!r} in {files.display(folder, root)}", hint=f"{guess}{there}"
    )
