"""Room on every file system that a release fills: the project's, Docker's own, the one of temporary files."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.commands.docker import Docker
from schedgen_ops.shell import Command, script

# With containerd's image store, images are in its folder and not in Docker's. $1 the project's directory, the
# rest docker.
_SPACES = r"""
project=$1; shift
info=$("$@" info --format '{{.DockerRootDir}}{{range .DriverStatus}}{{println}}{{index . 1}}{{end}}')
room() { df -Pk -- "$2" | tail -n 1 | { read -r line && printf '%s\t%s\t%s\n' "$1" "$2" "$line"; }; }
room project "$project" || exit
root=${info%%$'\n'*}
if [ -n "$root" ]; then room docker "$root" || printf 'unknown\t%s\n' "$root"; fi
case $info in *io.containerd.snapshotter*)
  images=$(sed -n 's/^ *root *= *["'\'']\(.*\)["'\''] *$/\1/p;T;q' /etc/containerd/config.toml 2>/dev/null)
  images=${images:-/var/lib/containerd}
  [ ! -d "$images" ] || room images "$images" || printf 'unknown\t%s\n' "$images" ;;
esac
room tmp "${TMPDIR:-/tmp}"
exit 0
"""


@dataclass(frozen=True, slots=True)
class Space:
    """Free and total bytes of a file system.

    Attributes:
        kind: what of ours is there: project, docker, images or tmp.
        path: the folder that was asked for.
        mount: where the file system is mounted.
    """

    kind: str
    path: str
    mount: str
    free: int
    total: int


@dataclass(frozen=True, slots=True)
class Spaces:
    """The file systems that a release fills, the project's first, each once.

    Attributes:
        unknown: folders of which nothing is known.
        docker: whether Docker said where it keeps its own.
    """

    found: tuple[Space, ...]
    unknown: tuple[str, ...] = ()
    docker: bool = True

    @property
    def project(self) -> Space:
        """The one that the project is on."""
        return self.found[0]


def spaces(docker: Docker, directory: str) -> Command:
    """Room on every file system that a release fills."""
    return script(_SPACES, directory, *docker.words, title="df")


def parse_spaces(stdout: str) -> Spaces:
    """Reads the answer of `spaces`.

    Raises:
        ValueError: where it says something else.
    """
    found: dict[str, Space] = {}
    unknown, asked = [], set()
    for line in filter(None, stdout.split("\n")):
        kind, path, row = (*line.split("\t", 2), "", "")[:3]
        asked.add(kind)
        if kind == "unknown":
            unknown.append(path)
            continue
        fields = row.rsplit("%", 1)
        try:
            device, total, _, free, _ = fields[0].rsplit(maxsplit=4)
            space = Space(kind, path, fields[1].strip(), int(free) * 1024, int(total) * 1024)
        except (ValueError, IndexError):
            raise ValueError(f"df of {path} answered {row!r}") from None
        # Two folders of one device may have mounts of their own.
        found.setdefault(device if device.startswith("/dev/") else space.mount, space)
    if "project" not in asked:
        raise ValueError(f"df answered {stdout!r}")
    return Spaces(tuple(found.values()), tuple(unknown), bool(asked & {"docker", "unknown"}))
