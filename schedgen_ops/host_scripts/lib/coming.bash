# What a definition to come says, as far as it is compared with what is on the host.
source lib/given.bash

# tell_coming: tells Compose's hash of each service where `hashed` wants them, with those of lib/given.bash, and why the
# definition could be none of a release; and the images that it names or that run as far as they are here, `--` behind
# each; `document` is the definition then, and mounts[] what it mounts of the host. compose[], docker[], project, image,
# env, directory and hashed are the caller's.
# shellcheck disable=SC2034 # `mounts` is read by who calls
tell_coming() {
  local images file
  [ -z "$hashed" ] || "${compose[@]}" config --hash '*' || return
  # It has secrets: they are in no file.
  document=$("${compose[@]}" config --format json) || return
  case $env in /*) file=$env ;; *) file=$directory/$env ;; esac
  [ -z "$hashed" ] || tell_given "$file" <<< "$document" || return
  tell_unread <<< "$document"
  echo --
  mapfile -t images < <(
    values_of image
    "${docker[@]}" ps --all --no-trunc --filter "label=com.docker.compose.project=$project" --format '{{.Image}}'
  )
  # Those that are not there are passed over.
  [ "${#images[@]}" -eq 0 ] || "${docker[@]}" image inspect --format "$image" "${images[@]}" 2> /dev/null
  echo --
  mapfile -t mounts < <(values_of source | grep '^/')
}
# values_of KEY: the values of a key in the definition, each once.
values_of() { grep -oE "\"$1\": *\"[^\"]*\"" <<< "$document" | sed -E 's/^"[^"]*": *"(.*)"$/\1/' | sort -u; }
