"""Sections that a profile may fill."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from pydantic import Field, GetJsonSchemaHandler, field_validator, model_validator
from pydantic_core import CoreSchema

from schedgen_ops import profiles
from schedgen_ops.settings.base import Section
from schedgen_ops.text import nearest


class Profiled(Section):
    """A section whose values may come from a profile; what the config says itself wins over it."""

    place: ClassVar[str]

    profile: str | None = Field(
        default=None, description="What is known of a framework or an application: it fills the other keys."
    )

    @model_validator(mode="before")
    @classmethod
    def _fill(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        return {**profiles.chosen(cls.place, data.get("profile")), **data}

    @field_validator("profile")
    @classmethod
    def _known(cls, name: str | None) -> str | None:
        known = profiles.PROFILES[cls.place]
        if name is not None and name not in known:
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(known)}"
            raise ValueError(f"there is no profile {name!r} for {cls.place}; {hint}")
        return name

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        schema = handler.resolve_ref_schema(handler(core))
        schema["properties"]["profile"]["anyOf"][0]["enum"] = sorted(profiles.PROFILES[cls.place])
        given = [key for key in schema["required"] if key in profiles.keys(cls.place)]
        schema["required"] = [key for key in schema["required"] if key not in given]
        schema["anyOf"] = [{"required": ["profile"]}, {"required": given}]
        return schema
