"""Docker Compose: a project's file resolved and kept, and its services brought up."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.commands.definition import Port, Service, parse_resolved, parse_services
from schedgen_ops.commands.docker import Docker
from schedgen_ops.shell import Command, script

__all__ = ["Compose", "Port", "Service", "parse_resolved", "parse_services"]

# $1 the release's folder, $2 the project's directory, the rest `docker compose` with its options.
# The definition as its owner wrote it is resolved once and kept, as JSON, which is YAML too: it has secrets,
# hence the umask.
_RESOLVE = """
release=$1; cd -- "$2" || exit; shift 2
umask 077
mkdir -p "$release" || exit
"$@" config --hash '*' > "$release/hashes" 2>/dev/null & hashes=$!
"$@" config --format json > "$release/owner.yaml" || exit
wait "$hashes" || "$@" config --hash '*' > "$release/hashes" || exit
cat "$release/hashes" && echo -- && exec cat "$release/owner.yaml"
"""

# Our overlay (image names and labels, as JSON on stdin) on the owner's definition.
_PIN = """
release=$1; shift
umask 077
cat > "$release/overlay.json" || exit
"$@" -f "$release/owner.yaml" -f "$release/overlay.json" config > "$release/compose.yaml" || exit
# A release that was adopted is named without being looked at again.
sync -- "$release"/* "$release"
"""

_UP = """
service=$1 deadline=$2; shift 2
exec "$@" up --detach --no-deps --no-build --force-recreate --pull never \\
  --wait --wait-timeout "$deadline" "$service"
"""


@dataclass(frozen=True, slots=True)
class Compose:
    """Builds `docker compose` commands for a project.

    Attributes:
        directory: the project's directory on the host.
        files: the owner's compose files; () leaves the choice to Compose.
        env_file: the file that Compose takes variables from; its own default is ".env".
        classic: build with the engine's classic builder, where the host has no buildx.
    """

    docker: Docker
    project: str
    directory: str
    files: tuple[str, ...] = ()
    env_file: str = ".env"
    classic: bool = False

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
        env = () if self.env_file == ".env" else ("--env-file", self.env_file)
        files = tuple(word for file in self.files for word in ("-f", file))
        return (*self.program, *env, *files)

    def version(self) -> Command:
        """The plugin's version; fails where it is absent."""
        return self.docker("compose", "version", "--short")

    def resolve(self, release: str) -> Command:
        """Keeps the owner's definition, resolved, in the folder `release`, and tells what it says."""
        words = (release, self.directory, *self._owner)
        return script(_RESOLVE, *words, title="docker compose config").kept_private()

    def pin(self, release: str, overlay: str) -> Command:
        """The release's own definition, compose.yaml in its folder: the owner's under our `overlay`."""
        pinned = script(_PIN, release, *self.program, title="docker compose config").with_stdin(overlay)
        return pinned.kept_private()

    def words_of(self, release: str) -> tuple[str, ...]:
        """`docker compose` with the options that make it work on a release's own definition."""
        return (*self.program, "-f", f"{release}/compose.yaml")

    def of(self, release: str, *argv: str) -> Command:
        """`docker compose ARGV...` on a release's own definition."""
        return script('exec "$@"', *self.words_of(release), *argv, title=" ".join(("docker compose", *argv)))

    def as_written(self, release: str, *argv: str) -> Command:
        """`docker compose ARGV...` on a release's definition as its owner wrote it, all profiles included."""
        words = (*self.program, "-f", f"{release}/owner.yaml", *argv)
        return script('exec "$@"', *words, title=" ".join(("docker compose", *argv)))

    def by_owner(self, *argv: str) -> Command:
        """`docker compose ARGV...` on the definition as its owner wrote it, in the project's directory."""
        title = " ".join(("docker compose", *argv))
        return script('cd -- "$1" && shift && exec "$@"', self.directory, *self._owner, *argv, title=title)

    def pull(self, release: str, *services: str) -> Command:
        """Pulls the images of services, by the names that the owner's definition gives them."""
        words = (*self.program, "-f", f"{release}/owner.yaml", "pull", *services)
        return script('exec "$@"', *words, title="docker compose pull")

    def build(self, release: str, *services: str) -> Command:
        """Builds images under the release's own names; nothing that runs is touched."""
        return self.of(release, "build", *services)

    def up(self, release: str, service: str, wait: int) -> Command:
        """Replaces a service's containers and waits until they are healthy, at most `wait` seconds.

        Ends early, with an error, as soon as Docker calls one unhealthy.
        """
        return script(_UP, service, str(wait), *self.words_of(release), title=f"docker compose up {service}")

    def run(self, release: str, service: str, *argv: str) -> Command:
        """A one-off container of a service, removed when its command ends."""
        return self.of(release, "run", "--rm", "--no-deps", "--no-TTY", service, *argv)

    def logs(self, release: str, service: str, lines: int) -> Command:
        """The last `lines` lines that a service's containers wrote, on stdout and stderr."""
        options = ("--no-color", "--no-log-prefix", "--tail", str(lines))
        return self.of(release, "logs", *options, service).with_stderr()

    def stop(self, release: str, *services: str) -> Command:
        """Stops and removes the containers of services."""
        return self.of(release, "rm", "--stop", "--force", *services)
