# Copies what a release's containers mount of the project into the release's folder, as the work tree has it: with
# what filters made of it, its modes and its times. Done once, it is left alone.
#: commit    the release's, which is checked out
#: directory the project's
#: release   the release's folder
#: paths[]   what is mounted, from the project's directory
#: extra     a file besides git's that goes with it, from the project's directory; "" for none
#: points[]  where other things are mounted in it, as paths in the repository
#: sources[] what of the host is mounted at each, "" for what is no path
source lib/own_files.bash
source lib/files.bash

fail() {
  echo "$1" >&2
  exit 1
}
cd -- "$directory" && top=$(git rev-parse --show-toplevel) && prefix=$(git rev-parse --show-prefix) || exit
[ ! -e "$release/tree" ] || exit 0
part=$release/tree.part
umask 077
rm -rf -- "$part" && mkdir -p -- "$part" || exit
own() { git --literal-pathspecs ls-files -z "$@" -- "${paths[@]}"; }
{
  own --full-name
  [ -z "$extra" ] || [ ! -f "$extra" ] || printf '%s\0' "$prefix$extra"
} | (
  cd -- "$top" || exit
  # A sparse work tree has not all of them. A name that looks like an option is none behind `./`.
  while IFS= read -r -d '' path; do [ ! -e "$path" ] && [ ! -L "$path" ] || printf './%s\0' "$path"; done |
    xargs -0 -r cp --archive --parents --reflink=auto --target-directory="$part" --
) || exit
[ "$(git rev-parse HEAD)" = "$commit" ] && [ -z "$(own --modified --deleted | tr -d '\0')" ] ||
  fail "the work tree is no longer as the release has it"
chmod --reference="$top" -- "$part" || exit
# Under what is only read, no engine can make the place of another mount.
umask 022
for number in "${!points[@]}"; do
  point=$part/${points[number]} source=${sources[number]}
  [ ! -e "$point" ] && [ ! -L "$point" ] && [[ $(realpath -m -- "$point") == "$(realpath -- "$part")"/* ]] || continue
  if [ -n "$source" ] && [ -e "$source" ] && [ ! -d "$source" ]; then
    mkdir -p -- "${point%/*}" && : > "$point"
  else mkdir -p -- "$point"; fi || exit
done
umask 077
listing "$part" > "$release/tree.list" && sync -f -- "$part" && durable "$part" "$release/tree"
