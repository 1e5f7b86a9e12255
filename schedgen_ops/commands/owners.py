"""Whose containers bear a project's name: Compose writes the folder that it worked in on each of them."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.commands.docker import PROJECT_LABEL, Docker
from schedgen_ops.shell import Command, script

_FOLDER, _FILES = f"{PROJECT_LABEL}.working_dir", f"{PROJECT_LABEL}.config_files"
_SEPARATOR = "\x1f"

# $1 the project's directory, $2 how many compose files follow, those, then a label, a format, docker.
# One folder has several names: links, a slash at the end, a mount. -ef compares what is there.
_STRANGERS = r"""
directory=$1 count=$2; shift 2
ours=("${@:1:count}"); shift "$count"
filter=$1 format=$2; shift 2
is_ours() {
  local path=${1%/} file
  [ "${path%/.schedgen/releases/*}" -ef "$directory" ] && return
  for file in "${ours[@]}"; do [ "$directory/$file" -ef "$path" ] || [ "$file" -ef "$path" ] && return; done
  return 1
}
boxes=$("$@" ps --all --filter "$filter" --format "$format") || exit
while IFS=$'\x1f' read -r name folder files; do
  [ -n "$folder$files" ] || continue
  [ -z "$folder" ] || ! is_ours "$folder" || continue
  IFS=, read -ra paths <<< "$files"; mine=''
  for path in "${paths[@]}"; do is_ours "$path" || is_ours "${path%/*}" && mine=yes; done
  [ -n "$mine" ] || printf '%s\x1f%s\n' "$name" "${folder:-$files}"
done < <(printf "%s\n" "$boxes")
exit 0
"""


@dataclass(frozen=True, slots=True)
class Stranger:
    """A container of another work tree, and the folder that it belongs to."""

    name: str
    folder: str

    def __str__(self) -> str:
        return f"{self.name} ({self.folder})"


def strangers(docker: Docker, project: str, directory: str, files: tuple[str, ...] = ()) -> Command:
    """The containers of `project` that another folder's compose file made, running or not.

    A container without Compose's note of its folder (Compose before 1.25) counts as ours: nothing speaks
    against it, and Compose itself goes by the project's name.

    Args:
        directory: the project's.
        files: its compose files, where they are not those that Compose looks for.
    """
    fields = ("{{.Names}}", f'{{{{.Label "{_FOLDER}"}}}}', f'{{{{.Label "{_FILES}"}}}}')
    label = f"label={PROJECT_LABEL}={project}"
    words = (str(len(files)), *files, label, _SEPARATOR.join(fields), *docker.words)
    return script(_STRANGERS, directory, *words, title="whose containers")


def parse_strangers(stdout: str) -> tuple[Stranger, ...]:
    """Reads the answer of `strangers`."""
    rows = (line.split(_SEPARATOR, 1) for line in stdout.splitlines() if _SEPARATOR in line)
    return tuple(Stranger(name, folder) for name, folder in rows)
