# What a definition to come says, as far as it is compared with what is on the host.

# tell_coming: tells Compose's hash of each service where `hashed` wants them, and the images that the definition
# names or that run as far as they are here, `--` behind each; `document` is the definition then, and mounts[] what it
# mounts of the host. compose[], docker[], project, image and hashed are the caller's.
# shellcheck disable=SC2034 # `mounts` is read by who calls
tell_coming() {
  local images
  [ -z "$hashed" ] || "${compose[@]}" config --hash '*' || return
  # It has secrets: they are in no file.
  document=$("${compose[@]}" config --format json) || return
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
