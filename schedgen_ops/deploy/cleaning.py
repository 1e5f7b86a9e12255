"""The end of a change: what was replaced goes, and what no kept release needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from schedgen_ops import events
from schedgen_ops.deploy import images, naming, services
from schedgen_ops.deploy.host_run import Share
from schedgen_ops.errors import OpsError
from schedgen_ops.fleet import at_once

Do = Callable[[Share], None]

# What Ctrl-C asks then: a closed terminal is no reason to leave two releases.
QUESTION = "The new release serves. Stop cleaning up, and leave what it replaced?"


def clean_up(do: Do, emit: events.Emit) -> None:
    """Remove on every host what is not needed any more.

    Args:
        do: does a share on every host.

    Raises:
        OpsError: where containers of the release before stay; all else is a warning.
    """
    try:
        at_once([partial(_retire, do), partial(_name, do, emit)])
        # An image goes when no container uses it any more.
        with as_warning(emit):
            do(images.clean_up)
            do(services.leftovers)
    except KeyboardInterrupt:
        text = "the new release serves, but cleaning up was stopped from the keyboard"
        raise OpsError(text, hint="`inv deploy.recover` removes what it replaced.") from None


def _retire(do: Do) -> None:
    try:
        do(services.retire)
    except OpsError as error:
        raise OpsError(
            f"the new release serves, but what it replaced is still there: {error.message}",
            host=error.host,
            detail=error.detail,
            hint="`inv deploy.recover` removes it.",
        ) from error


def _name(do: Do, emit: events.Emit) -> None:
    with as_warning(emit):
        do(lambda host_run: naming.as_owner(host_run, host_run.release))


@contextmanager
def as_warning(emit: events.Emit) -> Iterator[None]:
    """Run the block; warn of an error in it instead of raising it."""
    try:
        yield
    except OpsError as error:
        events.warn(emit, f"cleaning up did not finish: {error.message}", error.host)
