"""What `inv deploy` and its siblings do with an operation."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import partial

from schedgen_ops.backup.offsite import push
from schedgen_ops.cli import hooking, post_mortem, turns
from schedgen_ops.cli.looking import Rows, conclude, look
from schedgen_ops.cli.policy import Consent
from schedgen_ops.commands.image_names import is_tag
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import own
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.rolling import Judge
from schedgen_ops.deploy.run import deploy as assemble
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import ConfigError, Refused
from schedgen_ops.lock import run as lock
from schedgen_ops.lock.remote_commands import Owner
from schedgen_ops.release import store
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, served_in_order
from schedgen_ops.settings import Settings
from schedgen_ops.task_run import Operation
from schedgen_ops.text import age, duration
from schedgen_ops.ui.tables import Column, Table, details


def deploy(op: Operation, ref: Ref, force: str = "", judge: Judge | None = None) -> None:
    """Deploy what --branch names, and say so when it is done.

    Args:
        judge: judges the release on canary hosts; None for nobody.
    """
    if op.settings.on_swarm:
        from schedgen_ops.swarm.run import deploy as on_swarm

        carry_out(op, op.settings, ref, on_swarm, force=force)
    else:
        carry_out(op, op.settings, ref, partial(assemble, judge=judge), force=force)


def carry_out(
    op: Operation,
    settings: Settings,
    ref: Ref,
    assembled: Callable[[Session], Pipeline],
    *facts: tuple[str, str],
    force: str = "",
) -> None:
    """Carry out a deploy of this kind, from its title to its end.

    Args:
        ref: what is deployed.
        assembled: gives the steps.
        facts: what the title says beside the ref and the environment.
        force: why it goes on where the environment's policy speaks against it; "" for no reason to.

    Raises:
        ConfigError: for a secret that is missing.
    """
    consent = Consent(op, ref, force.strip())
    push.with_deploy(settings)  # A secret that is missing is told before anything begins.
    owner = lock.myself(op.clock, "deploy", str(ref))
    told = (op.run, op.clock, op.emit, owner, op.patience, consent, op.vault)
    session = Session(
        settings, op.fleet, ref, *told, op.sign_in, op.builder, balancer=op.balancer, veil=op.ui.veil
    )
    session.reach = op.leave_out
    if settings.on_swarm:
        from schedgen_ops.cli import swarm

        session = swarm.session(op, session)
    hooks = hooking.of_session(op, "deploy", session)
    run = hooks.added(own.added(assembled(session)))
    op.begin(
        "deploy",
        "Zero-Downtime Deployment Script",
        (("Branch", str(ref)), ("Environment", settings.environment), *facts, *consent.told()),
        tuple((step.number, step.title) for step in run.steps),
    )
    with post_mortem.explained(op, session), hooks.ending():
        # The team hears of a refusal, and the journal has it, since the run has a name by now.
        consent.before()
        release = run()
    done = "All services updated successfully" if session.touched else "No service had changed"
    more = (("Release", release), ("Previous", session.previous), ("Backup", session.backups))
    op.end("Deployment Complete", f"{done}: {release} serves", tuple(fact for fact in more if fact[1]))


def asked(op: Operation, branch: str, tag: str = "") -> Ref:
    """Return what the operator asks for, before any host is asked.

    Args:
        branch: the text of --branch; "" for the configured branch, tag or commit.
        tag: the text of --tag, which says the same.

    Raises:
        ConfigError: where git, or a registry of images, could not take it for any of them.
    """
    if branch and tag and branch != tag:
        raise ConfigError(f"--branch {branch} and --tag {tag} say two things", hint="Name one of them.")
    name = branch or tag or op.settings.branch
    if not (op.settings.from_git or is_tag(name)):
        text = f"{name!r} is no tag that an image could have"
        raise ConfigError(text, hint="Releases are images here. For example: inv deploy --tag v1.2.3")
    try:
        return Ref(name)
    except ValueError:
        raise ConfigError(
            f"{name!r} is no name of a branch, tag or commit",
            hint="For example: inv deploy --branch v1.2.3",
        ) from None


def history(op: Operation) -> None:
    """Show the releases of every host, newest first; * marks the one that serves."""
    columns = ("Host", Column("", key="serves"), "Release", "Branch", "State", "Started", "By")
    rows = Rows(op, columns)

    def show_rows(came: Mapping[str, store.Shelf]) -> None:
        rows.add([row for host, shelf in came.items() for row in _history(host, shelf)])

    seen = look(op, store.reader(op.settings), show_rows)
    rows.end(seen, "Nothing was deployed yet.")
    conclude(seen)


def _history(host: str, shelf: store.Shelf) -> Iterator[tuple[str, ...]]:
    for release in served_in_order(shelf.releases):
        mark = "*" if release.id == shelf.current else ""
        facts = (release.id, release.branch, release.state.value, release.started, release.by)
        yield (host, mark, *facts)
    for folder in shelf.torn:
        yield (host, "", folder, "", "unreadable", "", "")


def show(op: Operation, wanted: str) -> None:
    """Show one release on every host that has it. Which one is meant is known when every host was asked.

    Raises:
        ConfigError: for an id that no release has, or that begins several.
    """
    seen = look(op, store.reader(op.settings))
    found = [
        (host, release)
        for host, shelf in seen.ok.items()
        for release in shelf.releases
        if release.id.startswith(wanted)
    ]
    ids = sorted({release.id for _, release in found})
    if len(ids) != 1 or not wanted:
        text = f"{wanted!r} begins several: {', '.join(ids)}" if ids else f"there is no release {wanted!r}"
        conclude(seen, ConfigError(text, hint="`inv deploy.history` lists them."))
    for host, release in found:
        kind = "rollback" if release.restores else "move" if release.moves else "deploy"
        log = op.log_of(kind, release.run or release.id)
        facts = _facts(op, host, release, log)
        op.ui.show(details(facts, title=op.titled(release.id, host)))
    conclude(seen)


def _facts(op: Operation, host: str, release: Release, log: str) -> tuple[tuple[str, str], ...]:
    steps = ", ".join(f"{title} {duration(seconds)}" for title, seconds in release.steps)
    facts = (
        ("Host", host),
        ("Branch", release.branch),
        ("Commit", release.commit),
        ("State", release.state.value),
        ("Previous", release.previous),
        ("Started", f"{release.started} ({age(datetime.fromisoformat(release.started), op.clock.now())})"),
        ("Finished", release.finished),
        ("By", release.by),
        ("Backup", release.backup),
        ("Migrations", ", ".join(release.migrations)),
        ("Images", ", ".join(sorted(record.image for record in release.services.values()))),
        ("Pulled", ", ".join(sorted({one.digest for one in release.services.values() if one.digest}))),
        ("Steps", steps),
        ("Error", release.error),
        ("Log", log or f"not on {socket.gethostname()}"),
    )
    return tuple((label, value) for label, value in facts if value)


def unlock(op: Operation) -> None:
    """End the lock on every host, after asking."""
    question, note = "Do you want to end the lock?", "WARNING: a run that is still alive goes on without it"
    if not op.ui.confirm(question, note, yes=op.options.yes):
        raise Refused("nothing was changed")
    paths = Paths(op.settings.directory)
    rows = Rows(op, ("Host", "Lock", "Owner"))

    def show(came: Mapping[str, Owner | None]) -> None:
        rows.add([(host, "ended" if one else "was free", str(one or "")) for host, one in came.items()])

    conclude(look(op, lambda remote: lock.unlock(remote, paths), show))


def plan(op: Operation, ref: Ref) -> None:
    """Show what a deploy of `ref` would do on every host."""
    from schedgen_ops.deploy import preview

    if op.sign_in:
        op.sign_in()  # Once, before the hosts are asked in threads.
    if op.builder:
        op.builder.engine()

    def show(came: Mapping[str, preview.Preview]) -> None:
        for host, found in came.items():
            head = (*preview.head(found), *turns.built(op, host), *turns.turn(op, host))
            op.ui.show(details(head, title=f"{host}: what a deploy of {ref} would do"))
            titled = partial(op.titled, host=host)
            commits = tuple((commit,) for commit in found.changes.commits)
            if op.settings.from_git:
                files = preview.files(found)
                op.ui.show(Table(("Commit",), commits, title=titled("Commits"), empty="None."))
                op.ui.show(Table(("Change", "File"), files, title=titled("Files"), empty="None."))
            columns = ("Service", "Action", "Why", "How")
            empty = "None would be touched."
            op.ui.show(Table(columns, found.services, title=titled("Services"), empty=empty))
            op.ui.show(Table(("Step", "Operation"), found.operations, title=titled("Operations")))

    seen = look(op, lambda remote: preview.look(op.context(remote), ref), show)
    if hooks := hooking.of(op, "deploy", "").names:
        op.ui.show(Table(("Hook",), tuple((name,) for name in hooks), title="Hooks"))
    if steps := own.listed():
        op.ui.show(Table(("Step", "Place"), steps, title="Steps of tasks.py"))
    conclude(seen)
