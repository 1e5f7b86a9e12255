"""The move of a project from Compose to the Swarm, step by step; Compose's containers are the way back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from schedgen_ops import events
from schedgen_ops.commands import maintenance, moving, registry
from schedgen_ops.commands.docker import INGRESS
from schedgen_ops.deploy import cleaning, code
from schedgen_ops.deploy.pipeline import Pipeline
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.ops.maintenance import page_text
from schedgen_ops.preflight.run import refused
from schedgen_ops.release import store
from schedgen_ops.remote import Remote
from schedgen_ops.rollout import scope
from schedgen_ops.rollout.grouping import needed_by
from schedgen_ops.steps import Step
from schedgen_ops.swarm import backing, compose_side, move_look, rolling, run, sources
from schedgen_ops.swarm.manager import MIGRATING, folder
from schedgen_ops.swarm.move_session import MoveSession

# Nobody is served meanwhile: whether all of it stays up is for the verification.
_STAY = 0


def move(session: Session) -> Pipeline:
    """Return the pipeline that has the Swarm run what Compose runs.

    Raises:
        TypeError: for a session of another kind.
    """
    if not isinstance(session, MoveSession):
        raise TypeError("the session moves nothing")
    on = session
    steps = (
        Step("", "Pre-flight Checks", partial(_ready, on), gate=True),
        *((Step("0", "Pre-move backup", partial(_save, on)),) if on.settings.stores else ()),
        *sources.steps(on),
        Step("", "Pulling images on all nodes", partial(_pull, on)),
        Step("", "Stopping what Compose runs", partial(_stop, on), undo=on.start_compose),
        *(
            (Step("3", "Running database migrations", partial(_migrate, on), undo=partial(_remove, on)),)
            if on.settings.migrations
            else ()
        ),
        Step("4", "Starting the stack", partial(_start, on), undo=partial(_remove, on)),
        run.verification(on, 5, "Post-move verification"),
        Step("6", "Removing what Compose ran", partial(_over, on), stays=cleaning.QUESTION),
        run.clean_up(on, 7),
    )
    return Pipeline(on, steps)


def _ready(on: MoveSession) -> None:
    """Nothing is changed before all of it can be moved, and what Compose runs is well."""
    page_text(on.settings)
    on.open(pulls=True)
    _refuse_closed(on)
    plan = move_look.look(on.nodes, on.context, on.asked())
    for problem in plan.problems:
        (events.error if problem.refuses else events.warn)(on.emit, problem.text)
    if plan.refusals:
        raise refused([(on.at_work.remote.name, problem) for problem in plan.refusals])
    if on.at_work.old is None:
        text = "no release of ours serves here, so that there would be no way back"
        hint = "With `orchestrator: compose` in the config `inv deploy` makes one of what runs."
        raise Refused(text, host=on.at_work.remote.name, hint=hint)
    code.try_hook(on.at_work)
    if on.settings.stores:
        backing.make_room(on)
    for text in on.not_well():
        events.warn(on.emit, f"not well before the move: {text}")
    on.emit(events.Fact("impact", "A gap, from when Compose's containers end until the Swarm's are well"))
    on.probe()
    events.info(on.emit, "Pre-flight checks passed")


def _refuse_closed(on: MoveSession) -> None:
    """The ingress of the Swarm would know nothing of it."""
    look = maintenance.look(on.at_work.paths.ingress)
    notes = on.compose_hosts().each(lambda remote: on.context(remote).run(look).text).by_host()
    for host, note in notes.items():
        if note:
            hint = "`inv ops.maintenance off`, with `orchestrator: compose` in the config."
            text = f"{note.splitlines()[0][:200]}, and the move would let them in"
            raise Refused(text, host=host, hint=hint)


def _save(on: MoveSession) -> None:
    backing.save(on)
    events.info(on.emit, "Pre-move backup completed successfully")


def _pull(on: MoveSession) -> None:
    """What a node cannot pull now, the Swarm has it pull in the gap, with the credentials of the services."""
    wanted = on.at_work.run(moving.images(folder(on.at_work.paths, on.at_work.release.id))).lines()
    deadline = on.settings.build.deadline

    def pull(remote: Remote) -> None:
        host = on.context(remote)
        host.run(registry.pull(host.docker, host.login, wanted), deadline)

    pulled = on.nodes.each(pull)
    if pulled.ok:
        events.info(on.emit, f"Images are there: {', '.join(pulled.ok)}")
    for host, error in pulled.errors.items():
        if not isinstance(error, OpsError):
            raise error
        events.warn(on.emit, f"images cannot be pulled before, which makes the gap longer: {error}", host)


def _stop(on: MoveSession) -> None:
    host_run = on.at_work
    # Before it is begun: whoever finds it begun brings Compose's containers back.
    host_run.new = replace(host_run.release, backup=host_run.backup, reached=True)
    store.write(host_run.remote, host_run.paths, host_run.new)
    on.locked()
    on.phase("during")
    release = host_run.release.id
    on.compose_hosts().each(lambda remote: compose_side.away(on.context(remote), release)).values()
    events.info(on.emit, f"Compose's containers are stopped on {', '.join(on.composed)}")


def _migrate(on: MoveSession) -> None:
    """The schema, once the database runs that has it."""
    asked, host_run = on.settings.migrations, on.at_work
    assert asked
    records = host_run.release.services
    needed = {asked.service, *((on.settings.database.service,) if on.settings.database else ())}
    first = [*needed_by([*needed], {name: record.needs for name, record in records.items()})]
    first += [name for name in needed - {asked.service} if name not in first]
    rolling.bring(host_run, first, _gate(on), _STAY)
    rolling.run_job(host_run, MIGRATING, asked.deadline)
    events.info(on.emit, "Migrations completed successfully")


def _start(on: MoveSession) -> None:
    host_run = on.at_work
    records = host_run.release.services
    skipped = scope.migrating(host_run.settings, records)
    there = {*host_run.touched}
    left = [name for name in records if name != skipped and name not in there]
    rolling.bring(host_run, left, [name for name in _gate(on) if name not in there], _STAY)


def _gate(on: MoveSession) -> Sequence[str]:
    return [INGRESS] if rolling.has(on.at_work.release, INGRESS) else []


def _remove(on: MoveSession) -> None:
    """All of the stack: nothing of it was there before."""
    rolling.remove(on.at_work, ())
    on.at_work.touched.clear()


def _over(on: MoveSession) -> None:
    with cleaning.as_warning(on.emit):
        removed = on.compose_hosts().each(lambda remote: compose_side.over(on.context(remote))).by_host()
        for host, count in removed.items():
            events.info(on.emit, f"Removed what Compose ran here ({count} containers)", host)
