"""What is said of a deploy or a rollback once it is known: its verification, what we and visitors noticed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict

from schedgen_ops import events
from schedgen_ops.deploy import ingress
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.deploy.recovery import HALF
from schedgen_ops.errors import CommandFailed, OpsError, Refused, RolledBack
from schedgen_ops.probe.report import ProbeReport
from schedgen_ops.probe.run import Prober


def tell(prober: Prober, host_runs: Sequence[HostRun], emit: events.Emit) -> ProbeReport | None:
    """End the prober and tell what it saw and what was counted; return None where that was interrupted."""
    try:
        seen = prober.stop(_uncounted(host_runs))
    except KeyboardInterrupt:
        return None  # How it ended is decided; only the figures are lost.
    if not any(host_run.settings.checks for host_run in host_runs):
        return seen  # Nobody asked for a measurement.
    for line in seen.table():
        events.info(emit, line)
    say = events.warn if seen.trouble else events.info
    say(emit, seen.sentence())
    if visitors := seen.visitors:
        say = events.warn if visitors.failed else events.info
        say(emit, visitors.sentence())
    emit(events.Fact("probe", asdict(seen)))
    emit(events.Fact("probe_series", asdict(prober.series)))
    told = (seen.sentence(), *((seen.visitors.sentence(),) if seen.visitors else ()), *seen.table())
    emit(events.Fact("proof", told))
    return seen


def verified(host_runs: Sequence[HostRun], emit: events.Emit) -> None:
    """Tell that the verification passed, if there was anything to verify."""
    if any(host_run.checked for host_run in host_runs):
        events.info(emit, "Deployment verification passed")
    else:
        events.warn(emit, "Nothing was verified: no service and no check is configured here")


def outcome(error: OpsError, host_runs: Sequence[HostRun]) -> None:
    """What is so now, in `error`: its exit code says that only where no interrupted run was put right before.

    Before any release is begun, nothing of this run needs a human.
    """
    begun = any(host_run.new is not None for host_run in host_runs)
    righted = {host_run.remote.name: host_run.righted for host_run in host_runs if host_run.righted}
    if isinstance(error, RolledBack):
        nothing = "what was done is taken back; nothing served before"
        error.outcome = "" if any(host_run.old for host_run in host_runs) else nothing
    elif HALF in righted.values():
        error.exit_code, error.outcome = OpsError.exit_code, HALF
        error.hint = error.hint or "`inv deploy.recover` goes on with it."
    elif not begun and error.exit_code in (Refused.exit_code, OpsError.exit_code):
        each = [f"{host}: {text}" if len(host_runs) > 1 else text for host, text in righted.items()]
        if each:
            error.outcome = f"{'; '.join(each)}; nothing else was changed"
        elif isinstance(error, CommandFailed):
            error.exit_code = Refused.exit_code


def _uncounted(host_runs: Sequence[HostRun]) -> list[str]:
    """Hosts with an ingress and without a check: nothing of ours asks there what it counted."""
    serving = [
        host_run for host_run in host_runs if host_run.new is not None and ingress.behind(host_run.new)
    ]
    return [host_run.remote.name for host_run in serving if not host_run.settings.checks_on(host_run.host)]
