"""Docker Compose: a project's file resolved and kept, and its services brought up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath

from schedgen_ops.commands.compose_files import beside
from schedgen_ops.commands.definition import Port, Service, parse_resolved, parse_services
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.picks import AS_IT_STANDS, Pick
from schedgen_ops.host_scripts import host_script
from schedgen_ops.shell import Command, Value, sh

__all__ = ["Compose", "Port", "Service", "parse_resolved", "parse_services"]


@dataclass(frozen=True, slots=True)
class Compose:
    """Builds `docker compose` commands for a project.

    Attributes:
        directory: the project's directory on the host.
        files: the owner's compose files; () leaves the choice to Compose.
        env_file: the file that Compose takes variables from, relative to the directory or absolute.
        classic: build with the engine's classic builder, where the host has no buildx.
        profiles: those that are enabled; () leaves them to COMPOSE_PROFILES of the env file.
    """

    docker: Docker
    project: str
    directory: str
    files: tuple[str, ...] = ()
    env_file: str = ".env"
    classic: bool = False
    profiles: tuple[str, ...] = ()

    @property
    def program(self) -> tuple[str, ...]:
        """`docker compose` with the project's name, the words before any subcommand."""
        words = self.docker.words
        if self.classic:
            *sudo, docker = words
            # sudo takes the variable itself: `sudo env` would need more than the right to run docker.
            words = (*(sudo or ("env",)), "DOCKER_BUILDKIT=0", docker)
        return (*words, "compose", "--project-name", self.project)

    @property
    def _owner(self) -> tuple[str, ...]:
        files = tuple(word for file in self.files for word in ("-f", file))
        return (*self.program, *self.choices(), *files)

    def choices(self, directory: str = "") -> tuple[str, ...]:
        """The options for the profiles and the env file, where they are not those that Compose finds itself.

        Args:
            directory: what the env file is relative to, where that is not the working directory.
        """
        enabled = tuple(word for profile in self.profiles for word in ("--profile", profile))
        file = str(PurePosixPath(directory) / self.env_file)
        return enabled if self.env_file == beside(self.files) else (*enabled, "--env-file", file)

    def version(self) -> Command:
        """The plugin's version; fails where it is absent."""
        return self.docker("compose", "version", "--short")

    def resolve(self, folder: str, pick: Pick = AS_IT_STANDS) -> Command:
        """Keeps the owner's definition, resolved, in `folder`, and tells what it says."""
        return host_script(
            "compose/resolve",
            title="docker compose config",
            compose=(*self.program, *self.choices()),
            directory=self.directory,
            release=folder,
            profiles=",".join(self.profiles),
            **self.picked(pick),
        ).kept_private()

    def picked(self, pick: Pick) -> dict[str, Value]:
        """What `lib/pick.bash` is given."""
        told = {"variable": pick.variable, "tag": pick.tag, "overlay": pick.overlay}
        return {"files": self.files, "env": self.env_file, **told}

    def pin(self, folder: str, overlay: str) -> Command:
        """The release's own definition, compose.yaml in its folder: the owner's under our `overlay`."""
        title = "docker compose config"
        pinned = host_script("compose/pin", title=title, compose=self.program, release=folder)
        return pinned.with_stdin(overlay).kept_private()

    def words_of(self, folder: str) -> tuple[str, ...]:
        """`docker compose` with the options that make it work on a release's own definition."""
        return (*self.program, "-f", f"{folder}/compose.yaml")

    def of(self, folder: str, *argv: str) -> Command:
        """`docker compose ARGV...` on a release's own definition."""
        return sh(*self.words_of(folder), *argv).named(" ".join(("docker compose", *argv)))

    def words_as_written(self, folder: str) -> tuple[str, ...]:
        """The same on the definition as its owner wrote it, for containers that its owner may have made."""
        where = ("--project-directory", self.directory)
        return (*self.program, *where, "-f", f"{folder}/owner.yaml")

    def as_written(self, folder: str, *argv: str) -> Command:
        """`docker compose ARGV...` on a release's definition as its owner wrote it, all profiles included."""
        words = (*self.program, "-f", f"{folder}/owner.yaml", *argv)
        return sh(*words).named(" ".join(("docker compose", *argv)))

    def by_owner(self, *argv: str) -> Command:
        """`docker compose ARGV...` on the definition as its owner wrote it, in the project's directory."""
        title = " ".join(("docker compose", *argv))
        return sh(*self._owner, *argv).in_dir(self.directory).named(title)

    def pull(self, folder: str, *services: str) -> Command:
        """Pulls the images of services, by the names that the owner's definition gives them."""
        words = (*self.program, "-f", f"{folder}/owner.yaml", "pull", *services)
        return sh(*words).named("docker compose pull")

    def build(self, folder: str, *services: str, pull: bool = False) -> Command:
        """Builds images under the release's own names; nothing that runs is touched.

        Args:
            pull: whether the registry is asked for the images that they begin with, though they are here.
        """
        return self.of(folder, "build", *(("--pull",) if pull else ()), *services)

    def up(
        self,
        folder: str,
        service: str,
        wait: int,
        count: int | None = None,
        *,
        ports: Iterable[int] = (),
    ) -> Command:
        """Replaces a service's containers and waits until they are healthy, at most `wait` seconds.

        Without a healthcheck they are well once they listen as those before them did. Ends early, with an
        error, as soon as one dies or Docker calls it unhealthy.

        Args:
            count: how many containers it is to have; None leaves that to the definition.
            ports: those of the host that are known to be its own, for one that is on the host's network.
        """
        return host_script(
            "compose/up",
            title=f"docker compose up {service}",
            docker=self.docker.words,
            project=self.project,
            compose=self.words_of(folder),
            service=service,
            deadline=wait,
            scale=() if count is None else ("--scale", f"{service}={count}"),
            asked=tuple(map(str, ports)),
        )

    def run(self, folder: str, service: str, *argv: str) -> Command:
        """A one-off container of a service, removed when its command ends."""
        return self.of(folder, "run", "--rm", "--no-deps", "--no-TTY", service, *argv)

    def logs(self, folder: str, service: str, lines: int) -> Command:
        """The last `lines` lines that a service's containers wrote, on stdout and stderr."""
        options = ("--no-color", "--no-log-prefix", "--tail", str(lines))
        return self.of(folder, "logs", *options, service).with_stderr()
