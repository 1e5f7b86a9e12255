# The objects in a volume of their container; lib/objects.bash says what each function does.
embed objects/volume.sh

# in_volume ACTION [NAME]: volume.sh by the store's own image, which has what it needs: the store's volumes, no
# network, and a shell.
in_volume() {
  "${docker[@]}" run --rm -i --network none --volumes-from "$store" --user 0:0 --env path="$path" \
    --env stamp="$stamp" --entrypoint sh "$image" -c "$volume_sh" sh "$@" < /dev/null
}

# kept_in_volume NAME: whether a folder beside the objects bears the mark of a restore.
kept_in_volume() {
  [[ $1 =~ ^\.schedgen-(new|before)-([0-9]{8}_[0-9]{6})$ ]] || return
  local marked kind=${BASH_REMATCH[1]} at=${BASH_REMATCH[2]}
  marked=$("${docker[@]}" cp "$store:$path/$1/mark" - < /dev/null | tar -xOf -)
  [ "$marked" != "schedgen restore $at" ] || return 0
  # An earlier version's mark.
  [ "$kind" = before ] &&
    "${docker[@]}" exec "$store" ls -A "$path/$1" < /dev/null | grep -qxF .schedgen-moved
} 2> /dev/null

# Their container needs no tar.
objects_archive() {
  local each kept=()
  while IFS= read -r each; do ! kept_in_volume "$each" || kept+=("./$each"); done \
    < <("${docker[@]}" exec "$store" ls -A "$path" < /dev/null 2> /dev/null)
  if [ ${#kept[@]} -eq 0 ]; then
    "${docker[@]}" cp "$store:$path/." -
  else
    "${docker[@]}" cp "$store:$path/." - | tar -f - --delete "${kept[@]}"
  fi
}
objects_begin() { in_volume begin; }
objects_unfinished() { in_volume unfinished; }
objects_fill() { "${docker[@]}" cp - "$store:$path/.schedgen-new-$stamp/data"; }
objects_filled() { "${docker[@]}" cp "$store:$path/.schedgen-new-$stamp/data/." -; }
objects_undo() { in_volume undo; }
objects_forward() { in_volume forward; }
objects_back() { in_volume back; }
objects_superseded() { in_volume look; }
objects_discard() { in_volume remove "$1"; }
