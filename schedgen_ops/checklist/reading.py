"""What the checklist asks beside preflight's own probes, and how the answers are judged. Pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit

from schedgen_ops.backup.catalog import host_time
from schedgen_ops.backup.catalog import remote_commands as backups
from schedgen_ops.backup.catalog.manifest import Manifest
from schedgen_ops.backup.catalog.selection import newest
from schedgen_ops.checklist import certificates, changes, fitting, look, stacked
from schedgen_ops.commands import docker as engine
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.host_scripts import host_script
from schedgen_ops.preflight.probe import Problem, listed, reason, unknown
from schedgen_ops.release.paths import Paths
from schedgen_ops.remote import Result
from schedgen_ops.settings import HostSettings, Settings
from schedgen_ops.shell import Command
from schedgen_ops.text import age, plural
from schedgen_ops.verify import logs
from schedgen_ops.watch.rules import CheckVerdict


@dataclass(slots=True)
class Read:
    """What the answers of a host came to.

    Attributes:
        problems: what each probe found.
        evidence: what each saw, in words.
    """

    problems: dict[str, tuple[Problem, ...]] = field(default_factory=dict)
    evidence: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AskedHost:
    """Who was asked for what, and when by the clock of who asks: from `sent` to `received`."""

    settings: Settings
    host: HostSettings
    sent: datetime
    received: datetime
    ref: Ref


def commands(settings: Settings, host: HostSettings, ref: Ref) -> dict[str, Command]:
    """Return what a host is asked beside preflight's probes."""
    docker, paths = engine.Docker(settings.sudo), Paths(settings.directory)
    asked = {
        "coming": look.command(settings, ref, hashed=False),
        "defined": host_script(
            "release/definition", title="read the definition", state=paths.state
        ).kept_private(),
        **(
            {}
            if settings.on_swarm
            else {"logs": logs.since_deploy(docker, paths, settings.project, settings.verify.logs.window)}
        ),
        "clock": host_time.ask(),
    }
    # Which node of a Swarm has them is not known before all are asked.
    if host in settings.backup_hosts() and not settings.on_swarm:
        asked["catalog"] = backups.list_(settings.backup.directory).in_dir(settings.directory)
    if addresses := tls_ports(settings, host):
        asked["certificates"] = certificates.ask(addresses)
    return asked


def tls_ports(settings: Settings, host: HostSettings) -> tuple[str, ...]:
    """Return host:port of each https check of a host, once."""
    found = (urlsplit(check.url) for check in settings.checks_on(host))
    return tuple(
        dict.fromkeys(_address(url.hostname or "", url.port) for url in found if url.scheme == "https")
    )


def _address(name: str, port: int | None) -> str:
    return f"[{name}]:{port or 443}" if ":" in name else f"{name}:{port or 443}"


def read(asked: AskedHost, answers: Mapping[str, Result], boxes: Sequence[engine.Container] = ()) -> Read:
    """Judge the answers of `commands`.

    Args:
        boxes: the project's containers.
    """
    found = Read()
    readers: dict[str, Callable[[Result], Iterator[tuple[str, Problem | str]]]] = {
        "coming": partial(_coming, asked, answers["defined"], boxes),
        "logs": partial(_logs, asked),
        "clock": partial(_clock, asked),
        "catalog": partial(_catalog, asked),
        "certificates": partial(_certificates, asked),
    }
    for name, reader in readers.items():
        if name in answers:
            _note(found, name, reader, answers[name])
    return found


_TOPICS = {
    "coming": ("changes", "what would change"),
    "logs": ("logs", "what the logs hold"),
    "clock": ("clock", "the host's clock"),
    "catalog": ("last_backup", "the last backup"),
    "certificates": ("certificates", "when certificates end"),
}


def topics(settings: Settings, asked: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the probes that answers to these `commands` fill."""
    code = ("changes", *(("migrations",) if settings.migrations else ()))
    stack = ("stack",) if settings.on_swarm else ()
    coming = ("variables", "services", *stack, "definition", *(code if settings.from_git else ("source",)))
    backed = ("last_backup", "proof")
    several = {"coming": coming, "catalog": backed, "defined": ()}
    return tuple(probe for name in asked for probe in several.get(name, (name,)))


def _note(
    found: Read, name: str, reader: Callable[[Result], Iterator[tuple[str, Problem | str]]], answer: Result
) -> None:
    probe, topic = _TOPICS[name]
    try:
        seen = list(reader(answer))
    except (ValueError, LookupError, TypeError, AttributeError):
        seen = [(probe, unknown(topic, answer))]
    for which, what in seen:
        found.problems.setdefault(which, ())
        if isinstance(what, Problem):
            found.problems[which] += (what,)
        else:
            found.evidence[which] = what


def _coming(
    asked: AskedHost, defined: Result, boxes: Sequence[engine.Container], answer: Result
) -> Iterator[tuple[str, Problem | str]]:
    if not answer.stdout and asked.settings.from_git:
        yield "changes", unknown("what would change", answer)
        return
    coming = look.parse(asked.settings, asked.ref, answer)
    if coming.commit in ("missing", "ambiguous"):
        return
    if asked.settings.from_git:
        commits, files = plural(len(coming.commits), "commit"), plural(len(coming.files), "file")
        some = coming.files or coming.commits
        yield "changes", f"{commits}, {files}" if some else "none: that commit serves"
        if asked.settings.migrations:
            yield "migrations", ", ".join(coming.migrations) or "none"
    yield from (("variables", problem) for problem in _variables(asked.settings, coming))
    if coming.document is not None:
        yield "variables", "all are set"
        before = defined.stdout if defined.ok else ""
        fits = fitting.judged(asked.settings, asked.host, coming, before, boxes)
        yield from (("services", found) for found in fits)
        if asked.settings.on_swarm:
            yield from (("stack", found) for found in stacked.judged(asked.settings, coming.document))
        yield from _definition(defined, coming.document)


def _variables(settings: Settings, coming: changes.Coming) -> Iterator[Problem]:
    file = f"{settings.directory}/{settings.env_file}"
    # A file that comes with the release may set what the host's does not.
    here = settings.env_file not in changes.paths(coming)
    if required := [name for name in coming.required if name not in settings.delivered]:
        text = f"the new compose file needs {', '.join(required)}, and nothing sets it"
        yield Problem(text, f"Set it in {file}.", refuses=here)
    elif coming.document is None and not coming.required:
        text = f"whether Compose takes the new file is not known: {coming.said}"
        yield Problem(text, "`inv deploy.plan` shows all that it says.", refuses=False, unknown=True)
    if blank := [name for name in coming.blank if name not in settings.delivered]:
        text = f"the new compose file asks for {', '.join(blank)}, and nothing sets it: it will be blank"
        secret = any(name in settings.credentials for name in blank)
        yield Problem(text, f"Set it in {file}.", refuses=here and secret)


def _definition(defined: Result, document: str) -> Iterator[tuple[str, Problem | str]]:
    if not defined.ok:
        yield "definition", unknown("what the serving release was defined as", defined)
        return
    if not defined.stdout.strip():
        yield "definition", "nothing was deployed by us yet"
        return
    lines = list(changes.differences(defined.stdout, document))
    if lines:
        yield "definition", Problem("what differs:\n" + listed(lines), refuses=False)
    else:
        yield "definition", "the same"


def _logs(asked: AskedHost, answer: Result) -> Iterator[tuple[str, Problem | str]]:
    if not answer.ok:
        yield "logs", unknown("what the logs hold", answer)
        return
    finding = logs.finding(logs.parse(answer.stdout, asked.settings.verify.logs), asked.settings.verify.logs)
    if finding.verdict is CheckVerdict.PASSED:
        yield "logs", finding.text
    else:
        doubt = finding.verdict is CheckVerdict.UNKNOWN
        yield "logs", Problem(finding.text, "`inv verify.logs` shows them.", refuses=False, unknown=doubt)


def _clock(asked: AskedHost, answer: Result) -> Iterator[tuple[str, Problem | str]]:
    text = host_time.apart(host_time.parse(answer.stdout), asked.sent, asked.received)
    hint = "See that both keep time: `timedatectl` tells."
    yield "clock", Problem(text, hint, refuses=False) if text else "agrees with this machine's"


def _catalog(asked: AskedHost, answer: Result) -> Iterator[tuple[str, Problem | str]]:
    if not answer.ok:
        yield (
            "last_backup",
            Problem(f"the last backup is not known: {reason(answer)}", refuses=False, unknown=True),
        )
        return
    last = newest(backups.parse_catalog(answer.stdout))
    if last is None:
        yield "last_backup", Problem("there is no good backup", "`inv backup` makes one.", refuses=False)
        yield "proof", Problem("there is none to try", refuses=False)
        return
    made = datetime.fromisoformat(last.created)
    days = asked.settings.backup.drill.max_age_days
    words = f"{last.id}, {age(made, asked.received)}"
    old = (asked.received - made).days >= days
    yield (
        "last_backup",
        Problem(f"{words}: older than {plural(days, 'day')}", refuses=False) if old else words,
    )
    yield "proof", _proof(asked, last)


def _proof(asked: AskedHost, last: Manifest) -> Problem | str:
    drill = last.drill
    hint = f"`inv backup.drill --id {last.id}` tries it in a throwaway container."
    if drill is None:
        return Problem(f"{last.id} was never restored", hint, refuses=False)
    words = f"{last.id}: {drill.result} {age(datetime.fromisoformat(drill.at), asked.received)}"
    return words if drill.result == "passed" else Problem(words, hint, refuses=False)


def _certificates(asked: AskedHost, answer: Result) -> Iterator[tuple[str, Problem | str]]:
    if not answer.ok:
        yield "certificates", unknown("when certificates end", answer)
        return
    for found in certificates.parse(answer.stdout):
        yield "certificates", certificates.judged(found, asked.received)
