# Stops all that Compose runs of a project here, and has nothing start it again: first what holds no data, which may still
# want to write. What there is, whether it ran, and what started it again is noted before, and nothing is removed.
#: record  the file where that is noted
#: release the release that is moved to
source lib/alone_on_compose.bash
source lib/files.bash
source lib/compose_boxes.bash

note() {
  local found
  found=$(boxes) && printf 'release %s\n%s\n' "$release" "$found" > "$record.part" && durable "$record.part" "$record"
}
[ -e "$record" ] || note || {
  echo 'what is to be stopped could not be noted' >&2
  exit 1
}
ran() { awk -v held="$1" '$2 == "true" && $4 == held { print $1 }' "$record"; }
mapfile -t again < <(awk '$3 ~ /:/ && $3 !~ /^no:/ { print $1 }' "$record")
[ "${#again[@]}" -eq 0 ] || "${docker[@]}" update --restart no "${again[@]}" > /dev/null || exit
for held in free holds; do
  mapfile -t ids < <(ran "$held")
  # Whatever becomes of one: what counts is what runs afterwards.
  [ "${#ids[@]}" -eq 0 ] || "${docker[@]}" stop "${ids[@]}" > /dev/null || true
done
found=$(boxes) || exit
left=$(awk '$2 == "true"' <<< "$found" | wc -l)
[ "$left" -eq 0 ] || {
  echo "$left containers of Compose's still run" >&2
  exit 1
}
