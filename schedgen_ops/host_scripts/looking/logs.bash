# Tells what the project's containers wrote, sorted by time: lines TIME NUMBER TEXT, where NUMBER is the container's.
# Before them `at TIME`, the host's clock, `container NUMBER ID SERVICE NAME` for each there is, and `listed`. With
# `follow` it goes on from there: `live`, and lines as they come, those of containers too that start later; `again
# NUMBER` says that lines of a container may come a second time. `end` is the last line, where there is an end.
# All of it ends as soon as stdin does: whoever wanted it is gone.
#: docker[]   the engine's words
#: filter     the containers, as `docker ps --filter` takes it
#: services[] only these, () for all
#: since      as `docker logs --since` takes it; "" for all there is
#: tail       how many lines of each at most, or `all`
#: pattern    an extended regular expression, for the time and the text; "" for all lines
#: follow     yes or no
#: known[]    ID TIME: what was told of a container before, and needs not be told again
export LC_ALL=C
names='{{.ID}} {{.Label "com.docker.compose.service"}} {{.Names}}'
labels=(--filter "$filter" --filter label=com.docker.compose.oneoff=False)
# The longest line that a pipe keeps whole, whoever else writes; sorted ones come from one writer.
whole=3900 long=32000
declare -A number_of told

wanted() { [ "${#services[@]}" -eq 0 ] || [[ " ${services[*]} " == *" $1 "* ]]; }
fitting() { if [ -n "$pattern" ]; then grep -aE --line-buffered -e "$pattern"; else cat; fi; }
# lines NUMBER: what `docker logs` says, with the container's number. Of what was overwritten, the last state counts.
lines() { sed -e 's/\r*$//' -e 's/^\([^ ]* \).*\r/\1/' -e "s/^[^ ]* /&$1 /"; }
past() { # $1 its number, $2 its ID
  local from=${told[$2]:-$since}
  "${docker[@]}" logs --timestamps ${from:+--since "$from"} --until "$now" --tail "$tail" "$2" 2>&1 |
    fitting | lines "$1" | cut -b "1-$long"
}
future() { # $1 its number, $2 its ID, $3 since when
  "${docker[@]}" logs --timestamps --follow --since "$3" "$2" 2>&1 | fitting |
    stdbuf -oL sed -e 's/\r*$//' -e 's/^\([^ ]* \).*\r/\1/' -e "s/^[^ ]* /&$1 /" | stdbuf -oL cut -b "1-$whole"
}
announce() { # $1 ID, $2 service, $3 name
  number_of[$1]=${#number_of[@]}
  printf 'container %s %s %s %s\n' "${number_of[$1]}" "$1" "$2" "$3"
}
# Those that start later. One that starts again has written before its start is told of.
newcomers() {
  local id service name at
  "${docker[@]}" events --filter "$filter" --filter type=container --filter event=start --since "$now" --format \
    '{{.Actor.ID}} {{index .Actor.Attributes "com.docker.compose.service"}} {{.Actor.Attributes.name}} {{.TimeNano}}' |
    while read -r id service name at; do
      wanted "$service" || continue
      if [ -z "${number_of[$id]}" ]; then
        announce "$id" "$service" "$name"
        future "${number_of[$id]}" "$id" 0 &
      elif [ "$((at / 1000))" -gt "$asked" ]; then
        echo "again ${number_of[$id]}"
        future "${number_of[$id]}" "$id" "$((at / 1000000000 - 60))" &
      fi
    done
}
tell() {
  local id files=() file
  for id in "${chosen[@]}"; do
    exec {file}< <(past "${number_of[$id]}" "$id")
    files+=("/dev/fd/$file")
  done
  # More than sixteen at a time would go by way of files.
  [ "${#files[@]}" -eq 0 ] || sort --merge --key=1,1 --batch-size="$((${#files[@]} + 2))" "${files[@]}"
  if [ "$follow" = yes ]; then
    echo live
    for id in "${chosen[@]}"; do future "${number_of[$id]}" "$id" "$now" & done
    newcomers
    exit 1
  fi
  echo end
}

[ -z "$pattern" ] || grep -qE -e "$pattern" < /dev/null 2> /dev/null || [ $? -eq 1 ] || {
  echo "no extended regular expression: $pattern" >&2
  exit 64
}
for one in "${known[@]}"; do told[${one% *}]=${one#* }; done
now=${EPOCHREALTIME/,/.}
found=$(timeout -k 2 20 "${docker[@]}" ps --all --no-trunc "${labels[@]}" --format "$names") || exit
asked=${EPOCHREALTIME/[.,]/}
echo "at $now"
chosen=()
while read -r id service name; do
  [ -n "$id" ] || continue
  announce "$id" "$service" "$name"
  ! wanted "$service" || chosen+=("$id")
done <<< "$found"
echo listed
# From here on the shell itself would tell of its jobs.
exec 2> /dev/null
set -m
trap 'kill -- "-$work"' EXIT
trap 'exit 143' TERM INT HUP
exec {stdin}<&0
tell < /dev/null &
work=$!
{
  cat <&"$stdin" > /dev/null
  kill -- "-$work"
} &
watching=$!
wait "$work"
code=$?
kill -- "-$watching"
exit "$code"
