"""Registries of images: asked whether they have some, and pulled from, as who is signed in for so long."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.image_names import server_of
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, Secret

# Seconds that a registry may take to answer for an image.
_LIMIT = 30
_MISSING = ("no such manifest", "manifest unknown", "name unknown", "not found", "repository does not exist")
_SHUT = ("unauthorized", "denied", "authentication required", "no basic auth", "forbidden")
# What an engine's client says that cannot ask.
_CANNOT = ("is only supported", "is not a docker command", "experimental")


@dataclass(frozen=True, slots=True)
class Login:
    """Who signs in to a registry."""

    server: str
    user: str
    password: Secret


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
    return _signed_in("images/pull", "docker pull", docker, login, images=images)


def ask(docker: Docker, login: Login | None, images: Sequence[str]) -> Command:
    """Asks whether registries have these images; nothing is pulled."""
    return _signed_in("images/ask", "ask the registry", docker, login, images=images, limit=_LIMIT)


def _signed_in(
    script: str, title: str, docker: Docker, login: Login | None, **values: Sequence[str] | int
) -> Command:
    who = {"server": login.server, "user": login.user} if login else {"server": "", "user": ""}
    command = host_script(script, title=title, docker=docker.words, **who, **values)
    return command.with_secret("registry_password", login.password) if login else command


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
    """Return whether an image is at the registry that somebody signs in to."""
    return login is not None and server_of(image) == login.server
