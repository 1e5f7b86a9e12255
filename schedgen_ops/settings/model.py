"""Settings: all that is known about one environment before any host is asked."""

from typing import Self

from pydantic import model_validator

from schedgen_ops.commands.compose_files import beside
from schedgen_ops.settings import rules
from schedgen_ops.settings.environment import Environment
from schedgen_ops.settings.violations import refuse


class Settings(Environment):
    """One environment: where it runs, what it consists of, and the limits it is held to."""

    @model_validator(mode="after")
    def _beside_the_compose_file(self) -> Self:
        # Compose looks for its env file where the first of its own files is.
        if self.compose_files and "env_file" not in self.model_fields_set:
            object.__setattr__(self, "env_file", beside(self.compose_files))
        return self

    @model_validator(mode="after")
    def _between(self) -> Self:
        refuse(rules.between(self))
        return self
