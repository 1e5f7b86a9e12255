"""What `inv notify` does with an operation."""

from __future__ import annotations

from schedgen_ops.errors import ConfigError, VerificationFailed
from schedgen_ops.notify import team
from schedgen_ops.notify.notice import trial
from schedgen_ops.task_run import Operation
from schedgen_ops.text import plural
from schedgen_ops.ui.tables import Table


def test(op: Operation) -> None:
    """Send a test message to every receiver, and show who got it.

    Raises:
        ConfigError: where there is no receiver.
        VerificationFailed: where one did not get it.
    """
    settings = op.settings
    if not settings.notify.to:
        raise ConfigError("nobody is told of a run", hint="`notify.to` in the config says who is.")
    delivery = team.delivery(settings)
    delivery.post(trial(settings.environment, team.surroundings(settings), op.clock.now()))
    wrong = delivery.finish()
    rows = tuple(
        (receiver.name, wrong[receiver.name] or "delivered", ", ".join(receiver.on))
        for receiver in settings.notify.to
    )
    op.ui.show(Table(("Receiver", "Test", "Told of"), rows))
    if failed := sum(map(bool, wrong.values())):
        raise VerificationFailed(
            f"{plural(failed, 'receiver')} of {len(rows)} did not get the test message",
            hint="docs/notify.md says how a URL of Apprise is written.",
        )
