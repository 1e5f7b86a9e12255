# Removes what a move has stopped of what Compose ran here, and Compose's networks of the project; its volumes stay, and so
# does what somebody has started since. Says `removed N`; nothing where nothing was stopped.
#: record the file where that is noted
source lib/files.bash
source lib/compose_boxes.bash

[ -e "$record" ] || exit 0
source lib/alone_on_compose.bash

found=$(boxes) || exit
mapfile -t ids < <(awk 'NR == FNR { noted[$1] = 1; next } $1 in noted { print $1 }' <(sed 1d "$record") - <<< "$found")
[ "${#ids[@]}" -eq 0 ] || "${docker[@]}" rm "${ids[@]}" > /dev/null || exit
"${docker[@]}" network ls --quiet --filter scope=local --filter "label=com.docker.compose.project=$project" |
  while read -r network; do "${docker[@]}" network rm "$network" > /dev/null 2>&1 || true; done
rm -f -- "$record" && lasting "${record%/*}" || exit
echo "removed ${#ids[@]}"
