# Tells what a deploy of images would change, by sections with `--` between: Compose's hash of each service, the images
# that it names or that run as far as they are here, hashes of files that it mounts, the definition. The project is only
# read.
#: compose[]  `docker compose` with the project's name, profiles and env file
#: docker[]   the engine's words
#: project    the compose project
#: image      the format in which an image is told
#: directory  the project's
#: hashed     "yes" where the hashes are wanted: Compose reads all of it once more for them
source lib/coming.bash
source lib/pick.bash
source lib/file_ids.bash

cd -- "$directory" || exit
directory=$PWD
umask 077
scratch=$(mktemp -d) || exit
trap 'rm -rf "$scratch"' EXIT
pick "$scratch" || exit
tell_coming || exit
for mount in "${mounts[@]}"; do
  case $mount in "$directory"/*) file_id "${mount#"$directory"/}" ;; esac
done
echo
echo --
printf '%s\n' "$document"
