"""What every section of a config file is."""

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A mapping of known keys, each of its own type and never coerced."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, validate_default=True, defer_build=True
    )
