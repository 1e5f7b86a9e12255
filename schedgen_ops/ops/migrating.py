"""The schema moved or looked at by hand, by the serving release's own image."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from schedgen_ops import events, schema_standing
from schedgen_ops.commands import docker as engine
from schedgen_ops.errors import CommandTimedOut, ConfigError, OpsError
from schedgen_ops.log_excerpt import telling
from schedgen_ops.ops.services import serving
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.remote import Remote
from schedgen_ops.schema_standing import Standing
from schedgen_ops.settings import Migrations, Settings

_QUICK = 60.0
# Runs a command in a container of the serving release, which is no more afterwards: what it printed.
Once = Callable[[Remote, Settings, events.Emit, Sequence[str], str], tuple[str, ...]]


def asked(settings: Settings) -> Migrations:
    """Return how the schema is moved.

    Raises:
        ConfigError: where the configuration says nothing of that.
    """
    if settings.migrations is None:
        raise ConfigError(
            "this environment has no migrations", hint=f"`migrations` in config/{settings.environment}.yaml."
        )
    return settings.migrations


def way_back(settings: Settings) -> tuple[str, ...]:
    """Return the command that reverts the last migration.

    Raises:
        ConfigError: where the configuration has none.
    """
    words = asked(settings).revert
    if words is None:
        hint = f"`migrations.revert` in config/{settings.environment}.yaml is the command for that."
        raise ConfigError("nothing reverts the last migration here", hint=hint)
    return words


def look(remote: Remote, settings: Settings, emit: events.Emit, once: Once) -> Standing:
    """Return where the schema stands, as a new container of the serving release sees it.

    Raises:
        OpsError: where it does not say.
    """
    wanted = asked(settings)
    lines = once(remote, settings, emit, wanted.show, "listing the migrations")
    found = schema_standing.parse(wanted, "\n".join(lines))
    if found is None:
        text = "where the migrations stand is not known"
        raise OpsError(text, host=remote.name, detail="\n".join(telling(lines)))
    return found


def migrate(remote: Remote, settings: Settings, emit: events.Emit, once: Once) -> None:
    """Apply what is pending, and say so once none is seen pending.

    Raises:
        OpsError: where one fails, or some are pending still.
    """
    before = look(remote, settings, emit, once)
    if not before.pending:
        events.info(emit, "no migration is pending", remote.name)
        return
    once(remote, settings, emit, asked(settings).run, "the migrations")
    left = look(remote, settings, emit, once).pending
    if left:
        raise OpsError(f"migrations are pending still: {', '.join(left)}", host=remote.name)
    events.info(emit, f"applied: {', '.join(before.pending)}", remote.name)


def revert(remote: Remote, settings: Settings, emit: events.Emit, once: Once) -> None:
    """Revert the last migration, and say which once it is seen pending.

    Raises:
        ConfigError: where the configuration has no command for that.
        OpsError: where that fails, or nothing was reverted.
    """
    words = way_back(settings)
    before = look(remote, settings, emit, once)
    if not before.applied:
        events.info(emit, "no migration is applied", remote.name)
        return
    once(remote, settings, emit, words, "reverting the last migration")
    gone = [name for name in before.applied if name not in look(remote, settings, emit, once).applied]
    if not gone:
        raise OpsError("the command ended well and reverted nothing", host=remote.name)
    events.info(emit, f"reverted: {', '.join(gone)}", remote.name)


def in_compose(
    remote: Remote, settings: Settings, emit: events.Emit, argv: Sequence[str], what: str
) -> tuple[str, ...]:
    """Run a command in a throwaway container of the serving release, by Compose; return what it printed.

    Args:
        what: what it does, in words.

    Raises:
        OpsError: where it fails, or takes too long.
    """
    wanted, compose, release = asked(settings), compose_of(settings), serving(remote, settings)
    words = ("run", "--rm", "--no-deps", "--no-TTY", wanted.service, *argv)
    command = compose.of(release, *words) if release else compose.by_owner(*words)
    said: list[str] = []

    def on_line(line: str) -> None:
        said.append(line)
        emit(events.Output(line, remote.name))

    try:
        result = remote.stream(command, on_line, deadline=wanted.deadline, check=False)
        if result.ok:
            return tuple(said)
        how = f"failed with exit code {result.code}"
    except CommandTimedOut:
        how = f"took longer than {wanted.deadline:g} s"
    left = engine.Docker(settings.sudo).one_off(settings.project, release.rpartition("/")[2])
    names = remote.run(left, deadline=_QUICK, check=False).lines() if release else ()
    if names:
        remote.run(engine.Docker(settings.sudo).remove(*names), deadline=_QUICK, check=False)
    raise failed(remote, what, how, said)


def failed(remote: Remote, what: str, how: str, said: Sequence[str]) -> OpsError:
    """Return that such a command failed.

    Args:
        said: what it printed.
    """
    return OpsError(
        f"{what} {how}",
        host=remote.name,
        detail="\n".join(telling(said[-300:])),
        hint="`inv doctor --issue 3` looks for the cause.",
    )
