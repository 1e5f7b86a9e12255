"""What is wrong with the release itself: images, how its deploy ended, errors that are new. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from schedgen_ops.commands import docker
from schedgen_ops.doctor import remote_commands
from schedgen_ops.doctor.cause import Answers, Diagnosis, unknown
from schedgen_ops.release import store
from schedgen_ops.release.record import State
from schedgen_ops.verify import logs
from schedgen_ops.watch.log_lines import Group

# What builders say of a cache whose parts are gone.
_CACHE = re.compile(
    r"failed to (compute|calculate) cache key|parent snapshot|layer does not exist|failed to get digest"
    r"|unexpected commit digest|failed to (register|export) layer|error creating overlay mount"
    r"|cache .*corrupt"
    r"|no such file or directory.*/overlay2/|/overlay2/.*no such file or directory",
    re.IGNORECASE,
)
NETWORK = re.compile(
    r"dial tcp|i/o timeout|TLS handshake|no such host|could not resolve|EAI_AGAIN|ENOTFOUND|ETIMEDOUT"
    r"|connection refused|network is unreachable|Temporary failure",
    re.IGNORECASE,
)
_SYNTAX = re.compile(
    r"syntax error|SyntaxError|already exists|does not exist|QueryFailedError|violates", re.I
)
_LOCKED = re.compile(r"lock timeout|deadlock|canceling statement|was ended after", re.I)
_FILE = re.compile(r"([\w.-]+\.(?:ts|tsx|js|mjs|cjs|jsx|py|go|rb|java|php|rs|kt|cs))(?::(\d+)|\b)")
_SHOWN = 3


def images(answers: Answers) -> Iterator[Diagnosis]:
    """Find images that the serving release runs and that are gone from the host."""
    for probe in ("images", "containers"):
        if not answers[probe].ok:
            yield unknown("image", answers[probe])
            return
    rows = [line.rsplit(" ", 1) for line in answers["images"].lines()]
    there = {name for row in rows for name in row}
    serving = store.parse_shelf(answers["releases"].stdout).serving if answers["releases"].ok else None
    wanted = {
        name: (record.image, record.image_id)
        for name, record in (serving.services.items() if serving else ())
        if answers.host.runs(name)
    }
    for box in docker.parse_containers(answers["containers"].stdout):
        if box.service and not box.good:
            wanted.setdefault(box.service, (box.image_name, box.image))
    for service, (name, identity) in wanted.items():
        if name not in there and identity not in there:
            text = f"the image {name} of {service} is gone from the host"
            users = (service,) if _down(answers, service) else ()
            yield Diagnosis("image missing", text, f"inv ops.build {service}", services=users)


def _down(answers: Answers, service: str) -> bool:
    boxes = docker.parse_containers(answers["containers"].stdout)
    return not any(box.good for box in boxes if box.service == service)


def failed(answers: Answers) -> Iterator[Diagnosis]:
    """Find how the newest deploy failed, where nothing was deployed since."""
    if not answers["releases"].ok:
        yield unknown("failed deploy", answers["releases"])
        return
    shelf = store.parse_shelf(answers["releases"].stdout)
    last = max(shelf.releases, key=lambda release: release.id, default=None)
    if last is None or last.state not in (State.FAILED, State.BROKEN) or not last.error:
        return
    cause, fix = why(last.error)
    text = f"the last deploy, {last.id} of {last.branch}, failed: {last.error.splitlines()[0]}"
    # What the database logged of a migration that failed belongs to that.
    data = answers.settings.database
    services = (data.service,) if data and cause.startswith("migration") else ()
    yield Diagnosis(cause, text, fix, tuple(last.error.splitlines()[1:6]), services=services, trace="end")


def why(error: str) -> tuple[str, str]:
    """Return the cause that a failed deploy's error speaks of, and its fix.

    Args:
        error: the sentence, and the lines of output that tell more.
    """
    if re.search(r"migrat", error, re.IGNORECASE):
        cause = "migration locked out" if _LOCKED.search(error) else "migration failed"
        return cause, "correct it in git, then `inv deploy`; `inv ops.migrations` shows where it stands"
    if _CACHE.search(error):
        return "build cache", "inv ops.build all --no-cache"
    if re.search(r"\bbuild", error, re.IGNORECASE):
        if NETWORK.search(error):
            return "network", "mend the host's network, then `inv deploy`"
        return "build failed", "correct it in git, then `inv deploy`; or `inv ops.build all --no-cache`"
    return "failed deploy", "inv deploy.show tells how; then `inv deploy` again"


def errors(answers: Answers) -> Iterator[Diagnosis]:
    """Find error patterns that are new with the serving release, and the commits that touch their files."""
    settings = answers.settings
    if not answers["logs"].ok:
        yield unknown("new errors", answers["logs"])
        return
    digest = logs.parse(answers["logs"].stdout, settings.verify.logs)
    shelf = store.parse_shelf(answers["releases"].stdout)
    if shelf.serving is None or settings.verify.logs.fail == "never":
        return
    before = shelf.get(shelf.serving.previous)
    changes = _between(answers, shelf.serving.commit, before.commit if before else "")
    for group in digest.groups:
        if group.level == "error" and group.new and group.service not in answers.troubled:
            yield _new(group, changes)


def _between(answers: Answers, new: str, old: str) -> Sequence[remote_commands.RecentCommit]:
    """The commits that came with the serving release."""
    found: list[remote_commands.RecentCommit] = []
    begun = False
    for change in remote_commands.parse_changes(answers["changes"].stdout):
        begun = begun or change.commit == new
        if change.commit == old:
            break
        if begun:
            found.append(change)
    return found


def _new(group: Group, changes: Sequence[remote_commands.RecentCommit]) -> Diagnosis:
    named = {match[1] for match in _FILE.finditer(group.example)}
    touching = [
        change for change in changes if any(path.rsplit("/", 1)[-1] in named for path in change.files)
    ]
    own = [change for change in changes if any(path.startswith(f"{group.service}/") for path in change.files)]
    told = touching or own or changes
    what = (
        f"touch {', '.join(sorted(named))}" if touching else f"touch {group.service}/" if own else "are new"
    )
    lines = tuple(f"{change.commit[:7]} {change.title}" for change in told[:_SHOWN])
    evidence = (f"commits of this release that {what}:", *lines) if lines else ()
    text = f"{group.service} logs what no earlier release did, {group.count} times: {group.example}"
    return Diagnosis("new errors", text, "inv rollback; or mend it and `inv deploy`", evidence)
