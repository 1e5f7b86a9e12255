# Starts again what a move has stopped of what Compose runs here, first what holds data; waits until it is well, and says
# `started N`. Nothing where nothing was stopped.
#: record the file where that is noted
#: limit  seconds for each of the two
source lib/files.bash
source lib/compose_boxes.bash

[ -e "$record" ] || exit 0
source lib/alone_on_compose.bash

while read -r id _ policy _; do
  case $policy in
    '' | no:*) continue ;;
    on-failure:0) policy=on-failure ;;
    on-failure:*) ;;
    *) policy=${policy%:*} ;;
  esac
  "${docker[@]}" update --restart "$policy" "$id" > /dev/null || exit
done < <(sed 1d "$record")
# What of these is not well.
unwell() {
  present '{{.Name}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{end}}' "$@" | grep -vE ' running (healthy)?$' || true
}
started=0
for held in holds free; do
  mapfile -t ids < <(awk -v held="$held" '$2 == "true" && $4 == held { print $1 }' "$record")
  [ "${#ids[@]}" -gt 0 ] || continue
  end=$((SECONDS + limit))
  # A port that the Swarm had is free a moment after its container has ended.
  until said=$("${docker[@]}" start "${ids[@]}" 2>&1 > /dev/null); do
    [ "$SECONDS" -lt "$end" ] || {
      printf '%s\n' "${said%%$'\n'*}" >&2
      exit 1
    }
    sleep 1
  done
  while still=$(unwell "${ids[@]}") && [ -n "$still" ]; do
    [ "$SECONDS" -lt "$end" ] || {
      echo "not well after $limit s: $(paste -sd ';' <<< "$still")" >&2
      exit 1
    }
    sleep 0.5
  done
  started=$((started + ${#ids[@]}))
done
rm -f -- "$record" && lasting "${record%/*}" || exit
echo "started $started"
