"""What every section of a config file is."""

from typing import Any

from pydantic import BaseModel, ConfigDict

# The default of a section: its own defaults, made when a config is read. An instance would have pydantic
# build the section by itself when the module is imported, and again as a part of the whole.
DEFAULTS: Any = {}


class Section(BaseModel):
    """A mapping of known keys, each of its own type and never coerced."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_default=True, defer_build=True
    )
