# Removes the files that releases have for themselves, where no container mounts them. Where one has written into them,
# they stay, and that is told as by own_files/written.bash.
#: directory  the project's
#: docker[]   the engine's words
#: folder     the folder of all releases
#: releases[] the ids of those that are meant; none for all
#: keep[]     the ids of those whose files stay
source lib/docker.bash
source lib/own_files.bash

cd -- "$directory" && top=$(git rev-parse --show-toplevel) || exit
shopt -s nullglob
there=()
for each in "$folder"/*/tree{,.part,.gone}; do
  release=${each%/*}
  meant=$'\n'$(printf '%s\n' "${releases[@]}")$'\n' kept=$'\n'$(printf '%s\n' "${keep[@]}")$'\n'
  case $kept in *$'\n'"${release##*/}"$'\n'*) continue ;; esac
  case $meant in $'\n\n' | *$'\n'"${release##*/}"$'\n'*) there+=("$release") ;; esac
done
[ "${#there[@]}" -gt 0 ] || exit 0
ids=$("${docker[@]}" ps --all --quiet --no-trunc) || exit
# shellcheck disable=SC2086 # a list of ids
[ -z "$ids" ] || mounted=$(present '{{range .Mounts}}{{println .Source}}{{end}}' $ids) || exit
left=''
for release in "${there[@]}"; do
  name=${release##*/}
  case $'\n'${mounted-}$'\n' in *"/releases/$name/tree"[/$'\n']*) continue ;; esac
  if [ -e "$release/tree" ]; then
    # Without the list nothing shows that it is ours, and what was written to it.
    [ -e "$release/tree.list" ] || continue
    found=''
    while IFS= read -r -d '' path; do
      found=yes
      printf '%s\t%s\0' "$name" "$path"
    done < <(written "$release" "$top")
    { [ -z "$found" ] && mv -T -- "$release/tree" "$release/tree.gone"; } || continue
  fi
  # What a container gave to somebody else, only that one can remove.
  rm -rf -- "$release/tree.part" "$release/tree.gone" "$release/tree.list" 2> /dev/null || left=$release
done
[ -z "$left" ] || {
  echo "something in $left/tree.gone is another user's" >&2
  exit 1
}
