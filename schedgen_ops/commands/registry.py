"""Registries of images: asked whether they have some, and pulled from, as who is signed in for so long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.image_names import server_of
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, Secret, Value

# Seconds that a registry may take to answer for an image.
_LIMIT = 30
_MISSING = ("no such manifest", "manifest unknown", "name unknown", "not found", "repository does not exist")
_SHUT = ("unauthorized", "denied", "authentication required", "no basic auth", "forbidden")
# What an engine's client says that cannot ask.
_CANNOT = ("is only supported", "is not a docker command", "experimental")


@dataclass(frozen=True, slots=True)
class Login:
    """Who signs in to a registry.

    Attributes:
        more: who signs in to further ones at the same time.
    """

    server: str
    user: str
    password: Secret
    more: tuple[Login, ...] = ()

    @property
    def every(self) -> tuple[Login, ...]:
        """This one and those beside it."""
        return (self, *self.more)


@dataclass(frozen=True, slots=True)
class Held:
    """What a registry says of an image.

    Attributes:
        state: there, missing, shut (for who is not signed in), silent; or unknown, where the host cannot ask.
        said: in the registry's words.
    """

    image: str
    state: str
    said: str = ""


def pull(docker: Docker, login: Login | None, images: Sequence[str]) -> Command:
    """Pulls images; the credentials, if there are any, are on the host for so long."""
    return signed_in("images/pull", "docker pull", docker, login, images=images)


def ask(docker: Docker, login: Login | None, images: Sequence[str]) -> Command:
    """Asks whether registries have these images; nothing is pulled."""
    return signed_in("images/ask", "ask the registry", docker, login, images=images, limit=_LIMIT)


def signed_in(script: str, title: str, docker: Docker, login: Login | None, **values: Value) -> Command:
    """Return a script that signs in to registries (lib/registry.bash): the passwords are in no argv.

    Args:
        login: None for what the host itself is signed in to.
    """
    logins = login.every if login else ()
    who = {"servers": [each.server for each in logins], "users": [each.user for each in logins]}
    command = host_script(script, title=title, docker=docker.words, **who, **values)
    for number, each in enumerate(logins):
        command = command.with_secret(f"registry_password_{number}", each.password)
    return command


def parse_asked(images: Sequence[str], stdout: str) -> tuple[Held, ...]:
    """Reads the answer of `ask`.

    Raises:
        ValueError: where it is not about these images.
    """
    lines = stdout.splitlines()
    return tuple(_held(image, *line.split(" ", 1)) for image, line in zip(images, lines, strict=True))


def _held(image: str, code: str, said: str = "") -> Held:
    low = said.lower()

    def any_of(words: Sequence[str]) -> bool:
        return any(word in low for word in words)

    if int(code) == 0:
        return Held(image, "there")
    if any_of(_CANNOT):
        return Held(image, "unknown", said)
    if any_of(_SHUT):
        return Held(image, "shut", said)
    # A registry that is not there is not found either.
    lost = any_of(("no such host", "dial tcp", "connection refused"))
    return Held(image, "missing" if any_of(_MISSING) and not lost else "silent", said or "it took too long")


def at(login: Login | None, image: str) -> bool:
    """Return whether an image is at a registry that somebody signs in to."""
    return login is not None and server_of(image) in {each.server for each in login.every}
