"""The section about where releases come from: git and a build, or images that were built before."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from schedgen_ops.settings import types as t
from schedgen_ops.settings.base import Section
from schedgen_ops.settings.policy import Policy
from schedgen_ops.settings.secrets import SecretCommand
from schedgen_ops.settings.violations import Violation

RepositoryName = Annotated[
    str,
    t.Looks(
        r"^[a-z0-9][A-Za-z0-9._-]*(:[0-9]{1,5}/)?([a-z0-9._/-]*[a-z0-9])?$",
        "an image without its tag, as registry.example/shop",
    ),
]
ServerName = Annotated[
    str,
    t.Looks(r"^[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?$", "a registry's host, with or without a port"),
]


class Credentials(Section):
    """Who signs in to a registry that is named elsewhere."""

    user: t.Word = Field(description="Who signs in.")
    password: SecretCommand = Field(
        description="The command here that prints the password, as those of `secrets`."
    )


class Registry(Credentials):
    """Who signs in to a registry for the length of a pull."""

    server: ServerName = Field(description="The registry's host, as images name it; docker.io is Docker Hub.")


class Source(Section):
    """Where a release comes from."""

    source: Literal["git", "image"] = Field(
        default="git",
        description="git: a commit, built on the host. image: what was built before, picked by its tag.",
    )
    variable: t.VariableName | None = Field(
        default=None, description="Variable of env_file that compose files take the tag of images from."
    )
    images: Annotated[Mapping[t.ServiceName, RepositoryName], AfterValidator(t.Fixed)] = Field(
        default={}, description="Services whose image has that tag, and the image without it."
    )
    in_place: t.Many[t.RemotePath] = Field(
        default=(),
        description="Paths of the project that containers always mount where they are: they are written to.",
    )
    registry: Registry | None = Field(
        default=None, description="Who signs in to the registry; null: what the host itself is signed in to."
    )


def broken(source: Source, policy: Policy, delivered: frozenset[str]) -> Iterator[Violation]:
    """Yield what does not go together with where releases come from."""
    if source.source == "git":
        for name in ("variable", "images"):
            if getattr(source, name):
                yield ("release", name), "picks the tag of images: that is for `source: image`"
        return
    if not source.variable and not source.images:
        yield ("release", "source"), "needs `variable` or `images`: which services have the tag"
    if source.variable in delivered:
        yield ("release", "variable"), f"{source.variable!r} is in `secrets` or `variables` already"
    for name in ("after", "approvals"):
        if getattr(policy, name):
            yield ("policy", name), "is about a commit: images have none"
