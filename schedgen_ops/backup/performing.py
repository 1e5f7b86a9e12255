"""Scripts that work on a host's data, run with their reason and its cause as the error."""

from __future__ import annotations

from schedgen_ops.backup.create import diagnosis, scripts
from schedgen_ops.errors import CommandFailed, CommandTimedOut, OpsError
from schedgen_ops.host_context import HostContext
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command


def perform(host: HostContext, command: Command, deadline: float) -> Result:
    """Run a script that works on the data; its reason, cause and hint become the error."""
    try:
        return host.in_project(command, deadline)
    except CommandFailed as error:
        reason, detail = scripts.reason(error.detail)
        if isinstance(error, CommandTimedOut):
            reason = f"{command} was not done after {deadline:g} s"
        cause = diagnosis.cause(f"{detail}\n{reason}", host.settings)
        raise OpsError(
            f"{cause.sentence}: {reason or error.message}" if cause else reason or error.message,
            host=error.host,
            detail=detail,
            hint=cause.hint if cause else "",
        ) from error
