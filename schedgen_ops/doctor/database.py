"""What is wrong with the database: not accepting, out of sessions, locked; and its migrations. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from schedgen_ops import schema_standing
from schedgen_ops.backup.create import diagnosis
from schedgen_ops.backup.restore import half
from schedgen_ops.databases import engine_of
from schedgen_ops.doctor import remote_commands as ask
from schedgen_ops.doctor.cause import Answers, Diagnosis, unknown
from schedgen_ops.settings import Settings
from schedgen_ops.text import duration
from schedgen_ops.verify import remote_commands

# So much of what the server admits is nearly all: it keeps three for superusers.
_CROWDED = 0.9
_STAMP = re.compile(r"(\d{10,})")


def applied_sql(settings: Settings) -> tuple[str, ...]:
    """Return the statement that lists applied migrations, where there is a table of them."""
    table = settings.migrations.table if settings.migrations else None
    if table is None:
        return ()
    quoted = table.replace('"', '""')
    return (f'SELECT name FROM "{quoted}" ORDER BY id',)


def _rows(answers: Answers) -> tuple[tuple[str, float], ...]:
    """The rows of each statement that the database answered, with its seconds."""
    wanted = answers.settings.database
    assert wanted
    return engine_of(wanted.engine).parse_queries(answers["database"].stdout)


def half_exchanged(answers: Answers) -> Iterator[Diagnosis]:
    """Find data whose exchange was cut off; where somebody exchanges it now there is nothing to find."""
    result = answers["swapping"]
    if result.ok and half.note_in(result.lines()) is not None:
        stores = (answers.settings.database, answers.settings.objects)
        users = {service for store in stores if store for service in (store.service, *store.used_by)}
        text = "data was being exchanged by a restore when the host, or the run, was cut off"
        yield Diagnosis("half-exchanged data", text, "inv deploy.recover", services=tuple(sorted(users)))


def accepting(answers: Answers) -> Iterator[Diagnosis]:
    """Find whether the database lets us in and has sessions left."""
    settings, result = answers.settings, answers["database"]
    assert settings.database
    service = settings.database.service
    if service in answers.troubled:
        return
    said = result.stderr.strip()
    if len(_rows(answers)) < 2:
        if result.code == remote_commands.NOT_THERE:
            return
        users = _users(settings)
        if "too many clients" in said or "remaining connection slots" in said:
            text = f"the database {service} admits no more sessions"
            fix = f"inv ops.restart {' '.join(settings.database.used_by[:1]) or service}"
            yield Diagnosis("database", text, fix, (said.splitlines()[-1],), services=users)
            return
        cause = diagnosis.cause(said, settings) if said else None
        if cause is None:
            yield unknown("database", result)
            return
        fix = (
            cause.hint
            if "password" in cause.sentence or "let" in cause.sentence
            else f"inv ops.restart {service}"
        )
        yield Diagnosis("database", cause.sentence, fix, (said.splitlines()[-1],), services=users)
        return
    used, most = _rows(answers)[0][0].split("\t")
    if int(used) >= int(most) * _CROWDED:
        text = f"{used} of the {most} sessions that {service} admits are in use"
        yield Diagnosis(
            "database", text, f"inv ops.restart {' '.join(settings.database.used_by[:1]) or service}"
        )


def _users(settings: Settings) -> tuple[str, ...]:
    """The services that the database's trouble is trouble of."""
    return (settings.database.service, *settings.database.used_by) if settings.database else ()


def locked(answers: Answers) -> Iterator[Diagnosis]:
    """Find sessions that keep others waiting, and name each with what it last said."""
    found = _rows(answers)
    if len(found) < 2:
        return
    holders: dict[int, list[ask.BlockingSession]] = {}
    for lock in ask.parse_locks(found[1][0]):
        holders.setdefault(lock.pid, []).append(lock)
    for pid, locks in holders.items():
        first = locks[0]
        who = f"{first.user} from {first.address}" + (f", {first.application}" if first.application else "")
        open_for = duration(first.since, tenths=False)
        text = (
            f"session {pid} ({who}) keeps {len(locks)} waiting: {first.state} for {open_for} in a transaction"
        )
        waits = (f"session {lock.waiting} waits {lock.waits} s: {lock.wanted}" for lock in locks[:3])
        evidence = (f"it said: {first.query}", *waits)
        fix = f"inv ops.end-session {pid}{_on(answers)}"
        yield Diagnosis("database locked", text, fix, evidence, services=_users(answers.settings))


def _on(answers: Answers) -> str:
    """The option that names the host, where the session's number may be another one's elsewhere."""
    database = answers.settings.database
    if answers.settings.on_swarm:
        return ""
    several = database and len(tuple(answers.settings.hosts_running(database.service))) > 1
    return f" --hosts {answers.host.name}" if several else ""


def migrations(answers: Answers) -> Iterator[Diagnosis]:
    """Find migrations that are pending, that conflict, or that the release does not know."""
    wanted, result = answers.settings.migrations, answers["migrations"]
    assert wanted
    # A table that is locked keeps this one from answering only if it is the migrations' own.
    away = {name for found in answers.found if found.cause != "database locked" for name in found.services}
    if wanted.service in away or result.code == remote_commands.NOT_THERE:
        return
    found = schema_standing.parse(wanted, result.stdout)
    if not result.ok or found is None:
        yield unknown("migrations", result)
        return
    pending, applied = found.pending, found.applied
    clash = tuple(_clashes(pending, applied))
    if clash:
        yield Diagnosis(
            "migrations conflict",
            f"migrations conflict: {clash[0]}",
            "give the later one a newer time in git and deploy: `inv deploy`",
            clash[1:],
        )
    elif pending:
        text = f"{len(pending)} pending: {', '.join(pending)}"
        yield Diagnosis("migrations pending", text, "inv ops.migrate")
    # Without a group the pattern gives whole lines and no names.
    if re.compile(wanted.applied).groups:
        yield from _strange(answers, {*pending, *applied})


def _clashes(pending: tuple[str, ...], applied: tuple[str, ...]) -> Iterator[str]:
    """Two of the same time, or one to come that is older than one that was: their order is not certain."""
    stamps = {name: match[1] for name in (*pending, *applied) if (match := _STAMP.search(name))}
    for stamp, count in Counter(stamps.values()).items():
        if count > 1:
            yield " and ".join(name for name in stamps if stamps[name] == stamp) + " have the same time"
    newest = max((int(stamps[name]) for name in applied if name in stamps), default=0)
    for name in pending:
        if name in stamps and int(stamps[name]) < newest:
            yield f"{name} is older than the newest that is applied"


def _strange(answers: Answers, known: set[str]) -> Iterator[Diagnosis]:
    """What the database has and the release does not know: of another branch, or of a newer release."""
    answered = _rows(answers) if "database" in answers.results else ()
    rows = answered[2][0].splitlines() if len(answered) > 2 else ()
    strange = [name for name in rows if name and name not in known]
    if strange and known:
        text = f"the database has migrations that this release does not know: {', '.join(strange)}"
        fix = "deploy the branch that has them, or `inv ops.revert-migration` with it"
        yield Diagnosis("migrations conflict", text, fix, trace="schema")
