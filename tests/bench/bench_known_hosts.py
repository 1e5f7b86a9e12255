"""What it costs to look hosts up in a known_hosts file whose names are hashed: processor time."""

from __future__ import annotations

import argparse
import base64
import hashlib
import hmac
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

from schedgen_ops.host.known_hosts import KnownHosts


def main() -> None:
    """Prints the best of several rounds, each with files that were not read before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--lines", type=int, default=1218)
    parser.add_argument("--hosts", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    names = [f"app{number}.example.org" for number in range(options.lines)]
    with TemporaryDirectory() as folder:
        file = Path(folder) / "known_hosts"
        file.write_text("".join(f"{hashed(name)} ssh-ed25519 QUFB\n" for name in names))
        best = min(looked_up(file, names[: options.hosts]) for _ in range(options.rounds))
    print(f"{options.hosts} hosts in {options.lines} hashed lines: {best * 1000:.0f} ms")


def hashed(name: str) -> str:
    """A name as `ssh-keygen -H` writes it."""
    salt = os.urandom(20)
    digest = hmac.new(salt, name.encode(), hashlib.sha1).digest()
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


def looked_up(file: Path, names: list[str]) -> float:
    """Seconds of processor time to read the file and look up each name."""
    begun, known = process_time(), KnownHosts()
    for name in names:
        assert known.find((file,), name).keys
    return process_time() - begun


if __name__ == "__main__":
    main()
