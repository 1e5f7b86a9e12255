# Tells what a deploy of images would change, by sections with `--` between: Compose's hash of each service, the images
# that it names or that run as far as they are here, hashes of files that it mounts, the definition. The project is only
# read.
#: compose[]  `docker compose` with the project's name, profiles and env file
#: docker[]   the engine's words
#: project    the compose project
#: image      the format in which an image is told
#: directory  the project's
#: hashed     "yes" where the hashes are wanted: Compose reads all of it once more for them
source lib/pick.bash
source lib/file_ids.bash

cd -- "$directory" || exit
directory=$PWD
umask 077
scratch=$(mktemp -d) || exit
trap 'rm -rf "$scratch"' EXIT
pick "$scratch" || exit
[ -z "$hashed" ] || "${compose[@]}" config --hash '*' || exit
# It has secrets: they are in no file.
document=$("${compose[@]}" config --format json) || exit
# The values of a key in it, each once.
values() { grep -oE "\"$1\": *\"[^\"]*\"" <<< "$document" | sed -E 's/^"[^"]*": *"(.*)"$/\1/' | sort -u; }
echo --
mapfile -t images < <(
  values image
  "${docker[@]}" ps --all --no-trunc --filter "label=com.docker.compose.project=$project" --format '{{.Image}}'
)
# Those that are not there are passed over.
[ "${#images[@]}" -eq 0 ] || "${docker[@]}" image inspect --format "$image" "${images[@]}" 2> /dev/null
echo --
mapfile -t mounts < <(values source | grep '^/')
for mount in "${mounts[@]}"; do
  case $mount in "$directory"/*) file_id "${mount#"$directory"/}" ;; esac
done
echo
echo --
printf '%s\n' "$document"
