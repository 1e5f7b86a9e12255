# Gives services that were stopped for a while as many containers as they had, waits until those run, and says `resumed
# NAME...`; nothing where none was stopped.
#: record the file where that is noted
#: limit  seconds until all run
source lib/files.bash
source lib/swarm.bash

[ -e "$record" ] || exit 0
declare -A counts=()
while read -r name count; do
  # What is no more, or was given containers by somebody else, is left as it is.
  now=$(counted "$name")
  [ "$now" != 0 ] || counts[$name]=$count
done < "$record"
wanted=()
for name in "${!counts[@]}"; do wanted+=("${stack}_$name=${counts[$name]}"); done
[ "${#wanted[@]}" -eq 0 ] || led "${docker[@]}" service scale --detach "${wanted[@]}" > /dev/null || exit
rm -f -- "$record" && lasting "${record%/*}" || exit
[ "${#wanted[@]}" -gt 0 ] || exit 0
lacking() {
  local name running
  for name in "${!counts[@]}"; do
    running=$("${docker[@]}" service ps --filter desired-state=running --format '{{.CurrentState}}' "${stack}_$name" 2> /dev/null | grep -c '^Running')
    [ "$running" -ge "${counts[$name]}" ] || echo "$name ($running of ${counts[$name]} run)"
  done
}
for ((end = SECONDS + limit; ; )); do
  still=$(lacking)
  [ -n "$still" ] || break
  [ "$SECONDS" -lt "$end" ] || {
    echo "not well after $limit s: $(paste -sd ';' <<< "$still")" >&2
    exit 1
  }
  sleep 0.3
done
echo "resumed ${!counts[*]}"
