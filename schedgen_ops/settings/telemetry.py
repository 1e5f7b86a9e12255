"""The section of a config file about the Grafana that shows when something was deployed."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section
from schedgen_ops.settings.violations import refuse


class Grafana(Section):
    """The Grafana in which every deploy and rollback is an annotation. Its token is a secret: not in here."""

    url: t.Url = Field(default="http://localhost:3002", description="Its address on the host itself.")
    service: t.ServiceName | None = Field(
        default=None,
        description="Every host that runs this service has one; without this key the first host is asked.",
    )
    variable: t.VariableName | None = Field(
        default=None, description="Environment variable here that holds a token of a service account."
    )
    command: t.Argv | None = Field(
        default=None, description="Command here that prints the token, in place of a variable."
    )
    deadline: Annotated[int, Field(ge=1, le=60)] = Field(
        default=5, description="Seconds that it may take at the end of a run, for all hosts together."
    )

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.variable is None) == (self.command is None):
            refuse([((), "must have one of variable and command, from which its token comes")])
        return self
