# Writes the objects as a tar to stdout; their container needs no tar. What restores put aside beside them is
# left out.
#: docker[]  the engine's words
#: container the objects'
#: path      where they are in it

# ours NAME: whether a folder beside the objects bears the mark of a restore.
ours() {
  [[ $1 =~ ^\.schedgen-(new|before)-([0-9]{8}_[0-9]{6})$ ]] || return
  local marked kind=${BASH_REMATCH[1]} stamp=${BASH_REMATCH[2]}
  marked=$("${docker[@]}" cp "$container:$path/$1/mark" - < /dev/null | tar -xOf -)
  [ "$marked" != "schedgen restore $stamp" ] || return 0
  # An earlier version's mark.
  [ "$kind" = before ] &&
    "${docker[@]}" exec "$container" ls -A "$path/$1" < /dev/null | grep -qxF .schedgen-moved
} 2> /dev/null
superseded=()
while IFS= read -r each; do ! ours "$each" || superseded+=("./$each"); done \
  < <("${docker[@]}" exec "$container" ls -A "$path" < /dev/null 2> /dev/null)
if [ ${#superseded[@]} -eq 0 ]; then exec "${docker[@]}" cp "$container:$path/." -; fi
"${docker[@]}" cp "$container:$path/." - | tar -f - --delete "${superseded[@]}"
