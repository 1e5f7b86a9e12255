"""~/.ssh/config, with the files that it includes."""

from __future__ import annotations

import shlex
from io import StringIO
from pathlib import Path

from paramiko import SSHConfig
from paramiko.ssh_exception import ConfigParseError

from schedgen_ops.errors import ConfigError

_SYSTEM = Path("/etc/ssh/ssh_config")
_DEPTH = 8


def load(file: Path) -> SSHConfig:
    """The parsed file; a missing one says nothing. ~/.ssh/config is followed by the system's, as ssh does.

    Raises:
        ConfigError: when it cannot be understood.
    """
    content = "\n".join(expanded(file))
    if file == Path("~/.ssh/config").expanduser():
        content += "\nHost *\n" + "\n".join(expanded(_SYSTEM))
    config = SSHConfig()
    try:
        config.parse(StringIO(content))
    except ConfigParseError as problem:
        raise ConfigError(f"{file} cannot be understood: {problem}") from problem
    return config


def expanded(file: Path, depth: int = 0) -> list[str]:
    """The lines of a file with those of its Include files in place, which Paramiko does not do.

    What an included file says before its first Host holds where it is included, as in ssh.
    """
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
    found: list[str] = []
    section = "Host *"
    for line in lines:
        words = line.replace("=", " ", 1).split(None, 1)
        keyword = words[0].lower() if words else ""
        if keyword in ("host", "match"):
            section = line
        if keyword != "include" or len(words) < 2:
            found.append(line)
        elif depth < _DEPTH:
            for included in _included(words[1], file.parent):
                found += [*expanded(included, depth + 1), section]
    return found


def _included(patterns: str, folder: Path) -> list[Path]:
    files: list[Path] = []
    for pattern in shlex.split(patterns):
        path = folder / Path(pattern).expanduser()
        files += sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
    return files
