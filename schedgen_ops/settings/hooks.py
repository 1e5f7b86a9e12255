"""The section of a config file about hooks: programs of the operator's that a run calls."""

from pydantic import Field

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section


class Hooks(Section):
    """Programs on this machine that are called at fixed points of a run."""

    directory: t.LocalPath | None = Field(
        default=None, description="Folder of the hooks; null: `hooks` beside this file, if there is one."
    )
    deadline: t.Seconds = Field(default=60, description="Seconds that a hook may take before it is ended.")
