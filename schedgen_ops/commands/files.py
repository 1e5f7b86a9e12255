"""Files, folders and disks of a host."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, sh


def writable(path: str) -> Command:
    """Fails unless files can be made in the folder `path`, or the folder itself can."""
    return host_script("files/writable", title=f"is {path} writable", path=path)


def read(path: str) -> Command:
    """The file's text."""
    return sh("cat", "--", path)


def replace(path: str, text: str) -> Command:
    """Writes a file for its owner alone, complete or not at all; makes its folder."""
    size = len(text.encode())
    return host_script("files/replace", title=f"write {path}", path=path, size=size).with_stdin(text)


def remove(*paths: str) -> Command:
    """Removes files and folders; what is not there is no error."""
    return sh("rm", "-rf", "--", *paths)


@dataclass(frozen=True, slots=True)
class Load:
    """How busy a host is: memory in use and load per core, in percent."""

    memory_percent: float
    cpu_percent: float


def load() -> Command:
    """Memory and load, as the kernel tells them."""
    return sh("cat", "/proc/meminfo").and_then(sh("cat", "/proc/loadavg")).and_then(sh("nproc")).named("load")


def parse_load(stdout: str) -> Load:
    """Reads the answer of `load`: 100 % of CPU is one runnable process a core over the last minute.

    Raises:
        ValueError: where a figure is missing.
    """
    *meminfo, loadavg, cores = stdout.splitlines()
    values = {line.split(":")[0]: int(line.split()[1]) for line in meminfo if ":" in line}
    if "MemTotal" not in values or "MemAvailable" not in values:
        raise ValueError("no MemTotal or MemAvailable in /proc/meminfo")
    used = 1 - values["MemAvailable"] / values["MemTotal"]
    return Load(round(used * 100, 1), round(float(loadavg.split()[0]) / int(cores) * 100, 1))
