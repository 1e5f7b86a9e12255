"""How long a lost host is away: set up, then everything restored from the offsite copy alone.

Runs on host 1 of the lab, with its whole data and an S3 server beside it; images are built anew from base
images. Puts the host back afterwards.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "lab"))

import deploy_kit as kit
import offsite
from box import ROOT, Box, Ran
from data import Data
from deploy_kit import Operator

from schedgen_ops.lab import manager
from schedgen_ops.lab.place import LabHost, Place, find_place
from schedgen_ops.lab.progress import Silent


def main() -> None:
    """Print what each part took; fail where the data is not what it was."""
    place = find_place(ROOT)
    manager.up(place, 1, Silent())
    manager.reset(place, 1, Silent())
    box = Box(LabHost(1))
    try:
        with tempfile.TemporaryDirectory() as folder, offsite.s3(box) as server:
            _measure(place, box, server, Path(folder))
    finally:
        manager.reset(place, 1, Silent())


def _measure(place: Place, box: Box, server: offsite.S3, folder: Path) -> None:
    section = offsite.section(password="LAB_S3_PASSWORD")
    op = Operator(place, folder, (box,)).configure(backup={"offsite": section})

    def ran(*words: str, code: int = 0) -> tuple[Ran, float]:
        began = time.monotonic()
        done = op(*words, env=offsite.VARIABLES)
        if done.code != code:
            sys.exit(f"inv {' '.join(words)}: {done.code}\n{done.output}")
        return done, time.monotonic() - began

    origin = box.sh("git remote get-url origin").strip()
    ran("backup")
    (name,) = kit.backups(box)
    ran("backup.push", name)
    size = sum(server.files().values())
    before = Data.of(box)
    server.lose()
    _, setup = ran("hosts.setup", "--repository", origin, "--yes", code=3)  # It misses the env file, rightly.
    done, restore = ran("backup.restore", name, "--from-offsite", "--yes")
    if Data.of(box) != before:
        sys.exit(f"the data is not what it was\n{done.output}")
    print(
        f"A lost host, {size / 1024**2:.1f} MiB offsite: hosts.setup {setup:.1f} s, restore {restore:.1f} s"
    )
    for line in done.stdout.splitlines():
        if "Restored beside" in line:
            print(line)


if __name__ == "__main__":
    main()
