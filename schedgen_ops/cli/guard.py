"""What `inv deploy`, `deploy.guarded` and `deploy.status` do with an operation."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from schedgen_ops import events
from schedgen_ops.cli import deploy as plain
from schedgen_ops.cli.looking import conclude, look
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import standby
from schedgen_ops.errors import ConfigError
from schedgen_ops.guard import plan, remote_commands, story
from schedgen_ops.guard.run import guarded as assemble
from schedgen_ops.guard.run import judged
from schedgen_ops.lock import remote_commands as locking
from schedgen_ops.notify.host_webhook import webhook
from schedgen_ops.release import store
from schedgen_ops.release.agreement import disagreement
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import State, served_in_order
from schedgen_ops.release.store import Shelf
from schedgen_ops.remote import Remote
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Secret
from schedgen_ops.task_run import Operation
from schedgen_ops.ui.tables import details

Facts = tuple[tuple[str, str], ...]


def deploy(op: Operation, ref: Ref, force: str = "") -> None:
    """Deploy, guarded where the configuration says so."""
    if op.settings.guard.enabled:
        guarded(op, ref, 0, "", 0, force)
    else:
        judge = (
            partial(judged, webhook=_webhook(op, op.settings)) if op.settings.rollout.canary_hosts else None
        )
        plain.deploy(op, ref, force, judge)


def guarded(op: Operation, ref: Ref, duration: int, canary: str, pause: int, force: str = "") -> None:
    """Deploy, watch, and say so when the release is kept.

    Raises:
        ConfigError: for options that mean nothing; for what the guard cannot do on a Swarm.
    """
    settings = chosen(op.settings, duration, canary, pause)
    stages = ("Guarded", _stages(settings))
    made = assemble
    if settings.on_swarm:
        from schedgen_ops.swarm import guarded as on_swarm
        from schedgen_ops.swarm import guarding

        for what in guarding.missing(settings):
            op.compose_only(what)
        made = on_swarm.guarded
    with_webhook = partial(made, webhook=_webhook(op, settings))
    plain.carry_out(op, settings, ref, with_webhook, stages, force=force)


def _webhook(op: Operation, settings: Settings) -> Secret | None:
    """Where hosts tell the team by themselves."""
    return webhook(settings, os.environ, lambda text: events.warn(op.emit, text))


def chosen(settings: Settings, duration: int, canary: str, pause: int) -> Settings:
    """Return the settings with what the command line says.

    Raises:
        ConfigError: where that is no duration or no share.
    """
    if duration < 0 or pause < 0 or max(duration, pause) > 86_400:
        raise ConfigError("--duration and --pause are seconds, at most 86400")
    watch, guard = settings.watch, settings.guard
    if duration:
        interval = min(watch.interval, duration)
        watch = watch.model_copy(update={"duration": duration, "interval": interval})
    if canary:
        guard = guard.model_copy(update={"canary": shares(canary)})
    if pause:
        guard = guard.model_copy(update={"pause": pause})
    return settings.model_copy(update={"watch": watch, "guard": guard})


def shares(text: str) -> tuple[int, ...]:
    """Return the numbers of a text such as `10,50`.

    Raises:
        ConfigError: for anything but growing percentages from 1 to 99.
    """
    try:
        found = tuple(int(part.strip().removesuffix("%")) for part in text.split(","))
    except ValueError:
        found = ()
    if not found or list(found) != sorted({*found}) or found[0] < 1 or found[-1] > 99:
        hint = "For example: --canary 10,50 --pause 60"
        raise ConfigError(f"{text!r} are no growing shares from 1 to 99 percent", hint=hint)
    return found


def _stages(settings: Settings) -> str:
    return ", ".join(f"{stage.share}% for {stage.seconds}s" for stage in plan.stages(settings))


def status(op: Operation) -> None:
    """Show what serves, who is at work, how the last release ended, and how a watch stands."""

    def show(came: Mapping[str, tuple[Shelf, Facts]]) -> None:
        for host, (_, facts) in came.items():
            op.ui.show(details(facts, title=op.titled("Status", host)))

    seen = look(op, lambda remote: _status(op, remote), show)
    if found := disagreement({host: shelf for host, (shelf, _) in seen.ok.items()}):
        text = f"{found}: `inv deploy.recover` takes it back, `inv deploy.catch-up` brings the others to it"
        events.warn(op.emit, text)
    conclude(seen)


def _status(op: Operation, remote: Remote) -> tuple[Shelf, Facts]:
    paths = Paths(op.settings.directory)
    shelf = store.read(remote, paths)
    answer = locking.parse(remote.run(locking.who(paths.state), deadline=30).stdout)
    guard = remote.run(remote_commands.status(paths.state), deadline=30).lines()
    last = next((r for r in served_in_order(shelf.releases) if r.state is not State.ADOPTED), None)
    busy = str(answer.owner or "its owner is not known") if answer.state == "held" else ""
    facts = (
        ("Host", remote.name),
        (
            "Serving",
            f"unknown: {shelf.doubt}" if shelf.doubt else shelf.current or "nothing that was deployed yet",
        ),
        ("Unreadable", ", ".join(shelf.torn)),
        ("Last", f"{last.id} ({last.branch}): {last.state.value}" if last else ""),
        ("Because", last.error if last else ""),
        ("Guard", story.standing(op.settings, guard) or (last.guard if last else "")),
        ("Standby", _standby(op, remote)),
        ("At work", busy),
        ("Next", _next(guard, last.state if last else None, busy)),
    )
    return shelf, tuple((label, value) for label, value in facts if value)


def _standby(op: Operation, remote: Remote) -> str:
    found = standby.look(remote, op.settings) if op.settings.rollout.standby else None
    if found is None:
        return ""
    until = datetime.fromtimestamp(found.until, UTC)
    return f"{found.release} until {until:%H:%M:%S} UTC: {', '.join(found.services)}"


def _next(guard: tuple[str, ...], state: State | None, busy: str) -> str:
    if guard and guard[0] == "alive":
        return "the host decides by itself; ask again later"
    if state is State.BROKEN:
        return "look at the services (`inv doctor`); `inv rollback` goes to a release that served"
    if state is State.STARTED and not busy:
        return "`inv deploy.recover` takes back what the run left"
    return ""
