"""rclone on a host: the host's own, or one in a container. What a remote is travels on stdin. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from schedgen_ops.commands.docker import Docker
from schedgen_ops.shell import Command, Secret, script

PASSWORD = "RCLONE_PASSWORD_TO_OBSCURE"
_REMOTE, _VAULT = "offsite", "vault"

# $1 an image or "", $2 the folder, $3 the remote's path, $4 what to copy to, $5 "yes" to encrypt, $6 how many
# words docker takes, then these, then the names of the secrets. Options come on stdin, each ended by a NUL.
# Neither argv nor a file holds a value: rclone takes them from its environment.
_HEAD = r"""
image=$1 folder=$(realpath -- "$2") path=$3 name=$4 encrypt=$5 count=$6; shift 6
docker=("${@:1:count}"); shift "$count"
names=("$@")
while IFS= read -r -d '' option; do export "$option"; names+=("${option%%=*}"); done
if [ -n "$image" ]; then
  from=/backup
  run() { for each in "${names[@]}"; do printf '%s=%s\n' "$each" "${!each}"; done |
    "${docker[@]}" run --rm --network host --user "$(id -u):$(id -g)" --env-file /dev/stdin --env HOME=/tmp \
      --volume "$folder:/backup:ro" --entrypoint rclone "$image" "$@"; }
  obscure() { "${docker[@]}" run --rm --interactive --network none --entrypoint rclone "$image" obscure -; }
else
  from=$folder
  command -v rclone >/dev/null || { echo "rclone is not installed on this host" >&2; exit 127; }
  run() { rclone "$@" </dev/null; }
  obscure() { rclone obscure -; }
fi
to=offsite:$path
if [ "$encrypt" = yes ]; then
  hidden=$(printf %s "$RCLONE_PASSWORD_TO_OBSCURE" | obscure) || exit
  export RCLONE_CONFIG_VAULT_TYPE=crypt RCLONE_CONFIG_VAULT_REMOTE="$to"
  export RCLONE_CONFIG_VAULT_PASSWORD="$hidden"
  export RCLONE_CONFIG_VAULT_FILENAME_ENCRYPTION=off RCLONE_CONFIG_VAULT_DIRECTORY_NAME_ENCRYPTION=false
  names+=(RCLONE_CONFIG_VAULT_{TYPE,REMOTE,PASSWORD,FILENAME_ENCRYPTION,DIRECTORY_NAME_ENCRYPTION})
  to=vault:
fi
unset RCLONE_PASSWORD_TO_OBSCURE
to=${to%/}; [ "$to" = vault: ] || to+=/
to+=$name
flags=(--use-json-log --contimeout 15s --timeout 120s --retries 2 --low-level-retries 5)
telling=(--stats 1s --stats-log-level NOTICE)
"""

# The manifest comes last: where it is, the rest is there and right.
# One request asks first whether the remote lets us in: what a copy says of that misleads, and comes late.
# The code 3 is a folder that is not there yet.
_COPY = """
mode=$1; shift
__HEAD__
said=$(run lsf "${flags[@]}" --retries 1 --low-level-retries 1 --max-depth 1 "offsite:$path" 2>&1 >/dev/null)
code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 3 ] || { printf '%s\n' "$said" >&2; exit "$code"; }
run copy "${flags[@]}" "${telling[@]}" $mode --exclude manifest.json "$from" "$to" || exit
echo checking
run lsf "${flags[@]}" --files-only --format sp --separator ' ' "$to" | sed 's/^/size /' || exit
# What cannot be read has no sum, and is copied again.
run hashsum SHA256 "${flags[@]}" "${telling[@]}" --download "$to" | sed 's/^/sha256 /' || :
""".replace("__HEAD__", _HEAD)

_SEAL = """
__HEAD__
run copyto "${flags[@]}" --ignore-times "$from/manifest.json" "$to/manifest.json" || exit
run cat "${flags[@]}" "$to/manifest.json" | cmp - "$folder/manifest.json"
""".replace("__HEAD__", _HEAD)


@dataclass(frozen=True, slots=True)
class Remote:
    """A remote as rclone.conf would describe it.

    Attributes:
        path: what is behind the colon.
        options: by rclone's names.
        secrets: options whose values nobody may see.
        password: encrypts what is written; None leaves it as it is.
        image: runs rclone in a container of it; "" takes the host's own.
    """

    path: str
    options: Mapping[str, str]
    secrets: Mapping[str, Secret]
    password: Secret | None = None
    image: str = ""


def copy(docker: Docker, remote: Remote, folder: str, name: str, *, again: bool = False) -> Command:
    """Copies a backup but for its manifest, and reads it back; see `parse_progress` and `parse_copy`.

    Args:
        folder: the backup's, relative to the working directory.
        name: the folder on the remote.
        again: copies what seems to be there already too.
    """
    mode = "--ignore-times" if again else ""
    words = (mode, *_words(docker, remote, folder, name))
    return _with(remote, script(_COPY, *words, title="copy to the remote"))


def seal(docker: Docker, remote: Remote, folder: str, name: str) -> Command:
    """Copies the manifest, and fails where it does not read back the same."""
    return _with(
        remote, script(_SEAL, *_words(docker, remote, folder, name), title="copy the manifest to the remote")
    )


def _words(docker: Docker, remote: Remote, folder: str, name: str) -> tuple[str, ...]:
    encrypt = "yes" if remote.password else "no"
    head = (remote.image, folder, remote.path, name, encrypt, str(len(docker.words)))
    return (*head, *docker.words, *(_variable(option) for option in remote.secrets))


def _with(remote: Remote, command: Command) -> Command:
    pairs = "".join(f"{_variable(option)}={value}\0" for option, value in remote.options.items())
    command = command.with_stdin(pairs)
    for option, secret in remote.secrets.items():
        command = command.with_secret(_variable(option), secret)
    return command.with_secret(PASSWORD, remote.password) if remote.password else command


def _variable(option: str) -> str:
    return f"RCLONE_CONFIG_{_REMOTE}_{option}".upper()


def parse_progress(line: str) -> int | None:
    """Bytes moved so far, if a line of `copy` is one of rclone's statistics."""
    stats = _log(line).get("stats")
    done = stats.get("bytes") if isinstance(stats, dict) else None
    return done if isinstance(done, int) else None


def parse_error(line: str) -> str:
    """What a line of `copy` says of an error; "" if it says none."""
    log = _log(line)
    if not log:
        return ""
    return str(log.get("msg", "")).strip() if log.get("level") in ("error", "critical", "fatal") else ""


def _log(line: str) -> dict[str, object]:
    if not line.startswith("{"):
        return {}
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def parse_copy(lines: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Size and SHA-256 of each file as it is on the remote, read back."""
    sizes: dict[str, int] = {}
    sums: dict[str, str] = {}
    for line in lines:
        match line.split(maxsplit=2):
            case ["size", count, name] if count.isdigit():
                sizes[name] = int(count)
            case ["sha256", digest, name]:
                sums[name] = digest
    return {name: (sizes[name], sums[name]) for name in sizes if name in sums}
