"""The sections of a config file about people: who is told of a run, and whom to call when one is needed."""

from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section
from schedgen_ops.settings.violations import refuse

Occasion = Literal[
    "started", "finished", "failed", "refused", "rolled_back", "backup_failed", "backup_overdue"
]


class Receiver(Section):
    """Somebody who is told: a channel, a mailbox, a program. Its address is a secret, and so not in here."""

    name: t.CheckName = Field(description="How warnings and `inv notify.test` call it.")
    variable: t.VariableName | None = Field(
        default=None, description="Environment variable here that holds its URL, as Apprise writes it."
    )
    command: t.Argv | None = Field(
        default=None, description="Command here that prints its URL, in place of a variable."
    )
    on: t.Some[Occasion] = Field(
        default=("started", "finished", "failed", "rolled_back", "backup_failed", "backup_overdue"),
        description="What it is told of.",
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.variable is None) == (self.command is None):
            refuse([((), "must have one of variable and command, from which its URL comes")])
        return self


def _apart(receivers: tuple[Receiver, ...]) -> tuple[Receiver, ...]:
    names = tuple(receiver.name for receiver in receivers)
    refuse([((i, "name"), f"a second receiver is called {names[i]!r}") for i in t.repeated(names)])
    return receivers


class HostWebhook(Section):
    """Where hosts tell the team by themselves: an address that takes JSON, as Slack's webhooks do."""

    variable: t.VariableName | None = Field(
        default=None, description="Environment variable here that holds the address, https://..."
    )
    command: t.Argv | None = Field(
        default=None, description="Command here that prints the address, in place of a variable."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.variable is None) == (self.command is None):
            refuse([((), "must have one of variable and command, from which its address comes")])
        return self


class Notify(Section):
    """Who is told that a run started, and how it ended."""

    to: Annotated[t.Rows[Receiver], AfterValidator(_apart)] = Field(
        default=(), description="Who is told; an empty list tells nobody."
    )
    deadline: Annotated[int, Field(ge=1, le=600)] = Field(
        default=10, description="Seconds a message may take; a run that is over waits no longer for it."
    )
    host_webhook: HostWebhook | None = Field(
        default=None, description="Where a host tells what nobody here is left to tell; by its own curl."
    )
    link: t.VariableName | None = Field(
        default=None,
        description="Environment variable here with a link that messages end with: a CI job, a dashboard.",
    )


class Contact(Section):
    """A person to call when a run failed and needs one."""

    name: t.Word = Field(description="Who it is: a name, a role.")
    contact: t.Word = Field(description="How to reach them: a number, an address.")
