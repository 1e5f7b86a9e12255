"""What takes the files of a service that does not start out of its way. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from schedgen_ops.backup.create.integrity import LIBRARY
from schedgen_ops.commands.docker import Docker
from schedgen_ops.shell import Command, script, sh

# $1 the folder to be, $2 the container, $3 its image, then docker's words. Its volumes are archived as they
# are, read again, and only then emptied; what is printed are the manifest's lines of files.
_SET_ASIDE = (
    LIBRARY
    + r"""
folder=$1 box=$2 image=$3; shift 3
fail() { say "$1"; exit 1; }
"$@" stop "$box" >/dev/null || fail "the container could not be stopped"
umask 077
mkdir -p -- "$folder" && cd -- "$folder" || fail "$folder cannot be written"
mapfile -t volumes < <("$@" inspect --format \
  '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Destination}}{{end}}{{end}}' "$box" | grep /)
[ ${#volumes[@]} -gt 0 ] || fail "the container has no volume"
text='find "$1" -mindepth 1 -delete 2>/dev/null || rm -rf -- "$1"/* "$1"/.[!.]* "$1"/..?*'
for number in "${!volumes[@]}"; do
  at=${volumes[number]} file=files-$number.tar.gz
  "$@" cp "$box:$at/." - | packer gzip > "$file" && archived "$file" >/dev/null ||
    fail "$at cannot be archived"
  sum=$(sha256sum < "$file") && echo "file $file $(wc -c < "$file") ${sum%% *}"
done
sync -f . 2>/dev/null || sync
for at in "${volumes[@]}"; do
  "$@" run --rm --network none --volumes-from "$box" --user 0:0 --entrypoint sh "$image" \
    -c "$text" sh "$at" || fail "$at could not be emptied"
done
"""
)


def set_aside(docker: Docker, folder: str, container: str, image: str) -> Command:
    """Archives the volumes of a container into `folder`, and empties them so that it starts anew."""
    return script(_SET_ASIDE, folder, container, image, *docker.words, title="set the files aside")


def next_second() -> Command:
    """Waits until a name made of the time is another one."""
    return sh("sleep", "1.1")


def plan_lines(steps: Sequence[str]) -> tuple[str, ...]:
    """The steps to come, numbered."""
    return tuple(f"{number}. {step}" for number, step in enumerate(steps, start=1))
