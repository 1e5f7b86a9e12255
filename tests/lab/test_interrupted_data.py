"""A restore and both emergencies, struck at any command: every row and object is there and serves."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import aftermath
import blows
import deploy_kit as kit
import pytest
from blows import Case
from box import Box, Ran
from data import DATABASES, Data, aside, databases, shrink, sql
from deploy_kit import Operator

from schedgen_ops.lab.place import Place

SPOIL = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs ORDER BY id LIMIT 100)"
SPOIL_OBJECTS = "cd /data/schedules/done && rm -f seed-000*.pdf && echo x > seed-0099.pdf"


@dataclass(frozen=True, slots=True)
class Practice:
    """A host with a small production, a backup of it, and what has gone wrong since.

    Attributes:
        good, spoilt: what the backup holds, and what the host holds when a case begins.
    """

    op: Operator
    host: Box
    backup: str
    good: Data
    spoilt: Data

    @classmethod
    def on(cls, op: Operator, host: Box) -> Practice:
        op.configure(**blows.BARE).deploy("v1.2.2")
        op.configure(health=blows.BARE["health"])
        shrink(host)
        assert op("backup").code == 0
        (name,) = (name for name in kit.backups(host) if name.startswith("manual-"))
        good = Data.of(host)
        cls._spoil(host)
        return cls(op, host, name, good, Data.of(host))

    @staticmethod
    def _spoil(host: Box) -> None:
        sql(host, SPOIL)
        host.sh(f"docker compose exec -T minio sh -c '{SPOIL_OBJECTS}'")

    def struck(self, words: tuple[str, ...], case: Case) -> Iterator[str]:
        """What is wrong with the host after a case, and after the command that leads home."""
        emergency = words[0].startswith("emergency")
        words = tuple(self.backup if word == "BACKUP" else word for word in words)
        blows.shut(self.host, case.at)
        run = self.op.start(*words, "--yes")
        blows.struck(self.host, run, case.blow)
        ran = run.wait()
        blows.engine_answers(self.host)
        found = list(self._untrue(ran))
        home = self.op(*words, "--yes") if emergency else self.op("deploy.recover")
        found += aftermath.not_home(self.host, home)
        found += [] if found else self._data(self._whole(words[0]))
        yield from found
        yield from self._begin_again(wrong=bool(found))

    def _untrue(self, ran: Ran) -> Iterator[str]:
        yield from aftermath.untrue(self.host, ran)
        if "old data is in place" in ran.output and Data.of(self.host) != self.spoilt:
            yield f"the old data is not in place: {ran.output}"

    def _whole(self, command: str) -> tuple[Data, ...]:
        """What may be there once a command, or what took it back, is done: never something in between."""
        if command == "emergency.recover":
            return (self.good,)
        if command == "emergency.database":
            return (Data(self.good.rows, self.spoilt.objects),)
        return (self.good, self.spoilt)

    def _data(self, whole: tuple[Data, ...]) -> Iterator[str]:
        now = Data.of(self.host)
        if now not in whole:
            yield f"rows and objects are those of no time: {now}"
        if left := [
            name for name in (*databases(self.host), *aside(self.host)) if re.search("[_-]new[_-]", name)
        ]:
            yield f"left over: {left}"

    def _begin_again(self, *, wrong: bool) -> Iterator[str]:
        """The host as each case finds it: one that failed does not hide what the next one would."""
        if wrong:
            self.op("emergency.recover", "--id", self.backup, "--yes")
        self.op("backup.discard", "--yes")
        if left := databases(self.host) - DATABASES:
            yield f"cannot be discarded: {left}"
        if Data.of(self.host) != self.spoilt:
            self._spoil(self.host)
        if Data.of(self.host) != self.spoilt:
            yield "the next case begins with other data"


USERS = r"^stop [0-9a-f]{64}"
RENAMING = r"-v from="
BESIDE = r"exec -i .* -v new=schedgen_new_"
STARTING = r"^start [0-9a-f]{64}"

CASES = {
    ("backup.restore", "BACKUP"): blows.cases(
        ("before its users stop", USERS, None),
        ("before the databases are renamed", RENAMING, blows.killed),
        ("before the objects are moved", r" forward$", blows.rebooted),
        ("before the store starts", STARTING, blows.cut),
    ),
    ("emergency.recover", "--id", "BACKUP"): blows.cases(
        ("after everything is down", r"up --detach .*postgres", None),
        ("while it restores", BESIDE, blows.engine_restarted),
        ("before everything starts", r"up --detach .*backend", blows.rebooted),
    ),
    ("emergency.database", "--id", "BACKUP"): blows.cases(
        ("before the databases are renamed", RENAMING, None),
        ("before its users start", STARTING, blows.killed),
    ),
}


@pytest.fixture
def practice(lab: Place, host: Box, tmp_path: Path) -> Iterator[Practice]:
    """Host 1 with a production that was spoilt since its backup."""
    with blows.gate(host):
        yield Practice.on(Operator(lab, tmp_path, (host,)), host)


def test_whatever_strikes_a_restore_or_an_emergency_no_row_is_lost_and_all_serves(practice: Practice) -> None:
    found = [
        f"{words[0]}, {case}: {text}"
        for words, cases in CASES.items()
        for case in cases
        for text in practice.struck(words, case)
    ]
    assert not found, "\n".join(found)
