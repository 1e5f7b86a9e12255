# Resolves the definition as its owner wrote it once, with the tag that the release picks, and keeps and tells it, as
# JSON, which is YAML too: it has secrets, hence the umask. Compose's hash of each service comes before, with those that
# lib/given.bash adds, and `--` between. The env file is kept beside it: Compose asks it again for profiles and for
# secrets that are variables.
#: compose[] `docker compose` with the project's name, profiles and env file
#: directory the project's
#: release   the release's folder
#: profiles  those that are enabled, with commas between; "" leaves them to the env file
source lib/pick.bash
source lib/given.bash

cd -- "$directory" || exit
umask 077
mkdir -p "$release" && pick "$release" || exit
# The last line of a name counts.
[ -z "$profiles" ] || printf '\nCOMPOSE_PROFILES=%s\n' "$profiles" >> "$release/.env" || exit
"${compose[@]}" config --hash '*' > "$release/hashes" 2> /dev/null &
hashes=$!
"${compose[@]}" config --format json > "$release/owner.yaml" || exit
wait "$hashes" || "${compose[@]}" config --hash '*' > "$release/hashes" || exit
cat "$release/hashes" && tell_given "$release/.env" < "$release/owner.yaml" && echo -- && exec cat "$release/owner.yaml"
