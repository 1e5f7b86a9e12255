"""Whom a host's key is trusted by: the question, the fingerprints, the lines of known_hosts."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from schedgen_ops.cli import hosts_trust
from schedgen_ops.errors import Refused
from schedgen_ops.host import pins
from schedgen_ops.host.known_hosts import Entry, Known
from schedgen_ops.host.pins import Shown
from schedgen_ops.host.trust import Identity, encoded

NEW, OTHER = Shown("ssh-ed25519", b"new"), Shown("ssh-ed25519", b"other")
FILE = Path("/home/me/.ssh/known_hosts")
WHO = Identity("app1", "10.0.0.1", 2222, "[10.0.0.1]:2222", (FILE,))
LINE = f"[10.0.0.1]:2222 ssh-ed25519 {encoded(NEW.blob)}\n"


def entry(line: int = 1) -> Entry:
    return Entry(str(FILE), line, "ssh-ed25519", encoded(OTHER.blob))


@pytest.mark.parametrize("old", [(), (entry(),)])
def test_somebody_is_asked_and_sees_the_fingerprint_and_what_changed(old: tuple[Entry, ...]) -> None:
    read: list[str] = []
    answers = [True, False]

    def confirm(question: str, *notes: str) -> bool:
        read.extend((question, *notes))
        return answers.pop(0)

    op: Any = SimpleNamespace(ui=SimpleNamespace(confirm=confirm))
    link: Any = SimpleNamespace(label="app1", host="10.0.0.1", port=2222)
    assert hosts_trust._vouched(op, link, (NEW,), old, ()) == (NEW,)
    assert f"  {NEW}" in read
    assert ("CHANGED" in " ".join(read)) == bool(old)
    with pytest.raises(Refused, match="not trusted"):
        hosts_trust._vouched(op, link, (NEW,), old, ())


def test_a_key_of_the_same_address_on_another_port_is_no_change() -> None:
    other_machine = Known(portless=(entry(),))
    assert pins.stale(WHO, other_machine, (NEW,)) == ()
    assert pins.stale(WHO, other_machine, (OTHER,)) is None
    assert pins.stale(WHO, Known(keys=(entry(),)), (NEW,)) == (entry(),)


def test_other_lines_are_kept_byte_by_byte() -> None:
    before = b"# \xff\napp9 ssh-ed25519 AAAA\n[10.0.0.1]:2222 ssh-ed25519 " + encoded(OTHER.blob).encode()
    after = pins.changed(WHO, before, (NEW,), (entry(3),))
    assert after == b"# \xff\napp9 ssh-ed25519 AAAA\n" + LINE.encode()
    assert pins.changed(WHO, after, (NEW,), ()) == after


def test_what_somebody_else_pinned_meanwhile_is_not_overruled() -> None:
    before = LINE.replace(encoded(NEW.blob), encoded(OTHER.blob)).encode()
    with pytest.raises(Refused, match="pinned meanwhile"):
        pins.changed(WHO, before, (NEW,), ())
