"""Values that the real SOPS decrypts with an age key."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from kit import minimal

from schedgen_ops.errors import Refused
from schedgen_ops.secrets.fetch import fetch
from schedgen_ops.shell import Secret

SOPS = str(Path(sys.executable).with_name("sops"))
# Made for this test: they protect nothing.
KEY = "AGE-SECRET-KEY-1M4LWXEL7E4D0TPNGX4J93VZAW93HCGDMDVZ9M0U4VZ8EGQVKN3VS9EZLNT"
RECIPIENT = "age1h9d5jnheydcsege4cfm6hj92r0w7qmq0hjmvwc85jjvft4m5n30st3r8e7"
PLAIN = """\
postgres: "pa ss$w'ord"
minio:
  secret: |
    -----BEGIN KEY-----
    MIIE==
    -----END KEY-----
"""
ONE = {
    "POSTGRES_PASSWORD": [SOPS, "-d", "--extract", '["postgres"]', "secrets.yaml"],
    "MINIO_SECRET_KEY": [SOPS, "-d", "--extract", '["minio"]["secret"]', "secrets.yaml"],
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a key, and with a file that is encrypted for it."""
    (tmp_path / "key.txt").write_text(f"{KEY}\n")
    (tmp_path / "plain.yaml").write_text(PLAIN)
    command = [SOPS, "encrypt", "--age", RECIPIENT, "plain.yaml"]
    encrypted = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True).stdout
    assert b"MIIE" not in encrypted
    (tmp_path / "secrets.yaml").write_bytes(encrypted)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SOPS_AGE_KEY_FILE", "key.txt")
    return tmp_path


def test_sops_gives_each_value_as_it_was_encrypted(folder: Path) -> None:
    assert fetch(minimal(secrets=ONE)).all() == {
        "POSTGRES_PASSWORD": Secret("pa ss$w'ord"),
        "MINIO_SECRET_KEY": Secret("-----BEGIN KEY-----\nMIIE==\n-----END KEY-----"),
    }


def test_without_the_key_it_is_told_why_there_is_no_value(folder: Path) -> None:
    (folder / "key.txt").unlink()
    found = fetch(minimal(secrets=ONE))
    assert set(found.wrong) == set(ONE)
    assert all("failed with exit code 128" in text and "key.txt" in text for text in found.wrong.values())
    with pytest.raises(Refused):
        found.all()
