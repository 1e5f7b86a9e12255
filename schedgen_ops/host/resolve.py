"""Asks ssh what its configuration says of hosts; where there is none, or it fails, reads ssh_config here."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import subprocess
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock

from schedgen_ops.host import ssh_config, ssh_words
from schedgen_ops.host.ssh_config import Found, OwnReading
from schedgen_ops.host.ssh_keywords import GROWING, LISTS
from schedgen_ops.host.target import NamedHost, Target, target

# Seconds that ssh may take to say what its files say: a Match exec may run something.
_PATIENCE = 15.0
_AT_ONCE = 8
_NOISE = ("Pseudo-terminal", "terminating,")
# ssh takes no command line option for this: one file that includes both.
_BOTH = 'Include "{}"\nHost *\nInclude /etc/ssh/ssh_config\n'


class Resolver:
    """What ssh_config says of the hosts of a run, each asked about once.

    Args:
        file: the file of ssh_config; None: nothing is read.

    Attributes:
        notes: what was not understood, each told once.
    """

    def __init__(self, file: Path | None) -> None:
        self.notes: dict[str, None] = {}
        self._file = ssh_words.local(file) if file else None
        self._found: dict[NamedHost, Target] = {}
        self._own: OwnReading | None = None
        self._lock = Lock()

    def resolve(self, hosts: Iterable[NamedHost]) -> None:
        """Look up several hosts at the same time."""
        missing = [one for one in dict.fromkeys(hosts) if one not in self._found]
        if len(missing) == 1:
            self._found[missing[0]] = self._look_up(missing[0])
        elif missing:
            with ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="ssh-config") as pool:
                self._found.update(zip(missing, pool.map(self._look_up, missing), strict=True))

    def target(self, asked: NamedHost) -> Target:
        """Return how a host is reached."""
        self.resolve((asked,))
        return self._found[asked]

    def tell(self, note: str) -> None:
        """Keep a note for the operator."""
        self.notes[ssh_words.printable(note)] = None

    def _look_up(self, asked: NamedHost) -> Target:
        me = ssh_words.me()
        if self._file is None:
            return target(asked, {}, me, self.tell)
        found = self._asked_of_ssh(self._file, asked)
        if found is None:
            with self._lock:
                self._own = self._own or ssh_config.load(self._file, self.tell)
                found = self._own.lookup(asked.address, user=asked.user, port=asked.port)
        return target(asked, found, me, self.tell)

    def _asked_of_ssh(self, file: Path, asked: NamedHost) -> Found | None:
        program = shutil.which("ssh")
        default = ssh_config.is_default(file)
        if program is None or not (default or file.exists()):
            return None
        with TemporaryDirectory() if default and not _same_home() else nullcontext("") as folder:
            where: tuple[str, ...] = () if default else ("-F", str(file))
            if folder:
                both = Path(folder) / "config"
                both.write_text(_BOTH.format(file), encoding="utf-8", errors="surrogateescape")
                where = ("-F", str(both))
            user = ("-l", asked.user) if asked.user else ()
            port = ("-p", asked.port) if asked.port else ()
            return self._ran([program, "-G", *where, *user, *port, "--", asked.address])

    def _ran(self, words: list[str]) -> Found | None:
        try:
            said = subprocess.run(
                words, stdin=subprocess.DEVNULL, capture_output=True, timeout=_PATIENCE, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            self.tell(f"ssh does not say what its configuration is ({problem}); it was read without ssh")
            return None
        found = parse(said.stdout.decode(errors="surrogateescape")) if said.returncode == 0 else {}
        if "hostname" in found:
            return found
        lines = said.stderr.decode(errors="replace").splitlines()
        why = "; ".join(line for line in lines if line and not any(noise in line for noise in _NOISE))
        self.tell(f"ssh cannot read its configuration ({why or said.returncode}); it was read without ssh")
        return None


def parse(said: str) -> Found:
    """Read the answer of `ssh -G`. Pure."""
    found: Found = {}
    for line in said.splitlines():
        keyword, _, value = line.partition(" ")
        keyword = keyword.lower()
        if keyword in GROWING:
            grown = found.setdefault(keyword, [])
            if isinstance(grown, list):
                grown.append(value)
        elif keyword in LISTS:
            # Paths that may have blanks in them, without quotes; each is absolute.
            named = re.split(r" (?=[/~])", value)
            if keyword != "userknownhostsfile" or named != _default_known_hosts():
                found[keyword] = [_at_home(one) for one in named]
        else:
            found[keyword] = _at_home(value) if keyword == "identityagent" else value
    return found


def _default_known_hosts() -> list[str]:
    return [f"{_ssh_s_home()}/.ssh/known_hosts{number}" for number in ("", "2")]


def _at_home(path: str) -> str:
    """`path` under $HOME, where ssh, which asks the password database, found nothing under its own."""
    home = _ssh_s_home()
    if not home or home == str(Path.home()) or not path.startswith(home + "/"):
        return path
    ours = str(Path.home() / path[len(home) + 1 :])
    return ours if os.path.exists(ours) and not os.path.exists(path) else path  # noqa: PTH110


def _same_home() -> bool:
    return _ssh_s_home() == str(Path.home())


def _ssh_s_home() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return ""
