# Starts again what was stopped for a while, each container whatever becomes of another. Prints `started ID`.
# Without names it starts what all records say, once what works on them has ended. `ports` is left to who hands
# those over: what is in it may not be started beside the ingress. Where data is being exchanged it says
# `swapping NOTE` and starts nothing: nobody may see data of different times. Without names it also says `cut SERVICE`
# for each service of which something was put out of reach.
#: docker[] the engine's words
#: state    our folder of state
#: names[]  the records, or none for all of them
source lib/stopped.bash
source lib/swapping.bash

reason=''
bad() { reason=${reason:-${1:-Docker does not tell which containers there are}}; }
begin() { start_all "$@" && printf 'started %s\n' "$@"; }

if [ "${#names[@]}" -eq 0 ]; then
  note=$(exchanged 3600) || exit
  if [ -n "$note" ]; then
    printf '%s\n' "$note"
    exit
  fi
  for file in "$state"/stopped/*; do
    case ${file##*/} in *.part | ports | '*') ;; *) names+=("${file##*/}") ;; esac
  done
  for file in "$state"/cut/*; do
    case ${file##*/} in *.part | '*') ;; *) printf 'cut %s\n' "${file##*/}" ;; esac
  done
fi
for name in "${names[@]}"; do
  file=$state/stopped/$name
  [ -e "$file" ] || continue
  # shellcheck disable=SC2046 # a list of ids
  rows=$(there $(sort -u -- "$file")) || {
    bad
    continue
  }
  mapfile -t ids < <(sed -n '/ running$/!s/ .*//p' <<< "$rows")
  if [ "${#ids[@]}" -gt 0 ] && [ -n "${ids[0]}" ]; then
    said=$(begin "${ids[@]}" 2>&1) || {
      bad "${said##*$'\n'}"
      continue
    }
    printf '%s\n' "$said"
  fi
  rm -f -- "$file"
done
[ -z "$reason" ] || {
  echo "$reason" >&2
  exit 1
}
