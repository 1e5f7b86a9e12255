# Removes what a move has stopped of what Compose ran here, and Compose's networks of the project; its volumes stay, and so
# does what somebody has started since. Says `removed N`; nothing where nothing was stopped.
#: record the file where that is noted
source lib/alone.bash
source lib/files.bash
source lib/compose_boxes.bash

[ -e "$record" ] || exit 0
umask 077
alone 600 schedgen-move "${record%/*}/lock" || {
  echo 'another script still works on what Compose runs' >&2
  exit 1
}
found=$(boxes) || exit
mapfile -t ids < <(awk 'NR == FNR { noted[$1] = 1; next } $1 in noted { print $1 }' <(sed 1d "$record") - <<< "$found")
[ "${#ids[@]}" -eq 0 ] || "${docker[@]}" rm "${ids[@]}" > /dev/null || exit
"${docker[@]}" network ls --quiet --filter scope=local --filter "label=com.docker.compose.project=$project" |
  while read -r network; do "${docker[@]}" network rm "$network" > /dev/null 2>&1 || true; done
rm -f -- "$record" && lasting "${record%/*}" || exit
echo "removed ${#ids[@]}"
