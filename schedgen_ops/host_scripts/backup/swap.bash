# What was restored takes the place of what serves, or gives it back, with the services that use it stopped
# meanwhile. Prints `gap MICROSECONDS`, how long they were away. A database takes the place of the old one by its
# name, objects by a move: nothing is copied, and everything can be taken back. While they may be of different times
# `swapping` in our folder of state says so: nobody is started who would see that, and who finds it puts the old ones
# in place again.
#: lock      the file that only one of these scripts holds at a time, in our folder of state
#: direction forward or back
#: limit     seconds that services have to get healthy
#: note      what has to be known of this restore to take it back
#: held      "yes" where the object store's container only holds its objects: nothing runs there, and nothing is started
#: clients[] the containers of the services that use the data
source lib/alone.bash
source lib/reason.bash
source lib/stopped.bash
source lib/data_location.bash

umask 077
# The object store's container, where that runs.
runs=$store
[ "$held" != yes ] || runs=''
alone 900 schedgen-restore "$lock" || fail "another restore still works here"
trap '' HUP PIPE TERM INT
stopped=${lock%/*}/stopped/data swapping=${lock%/*}/swapping always=${lock%/*}/always
# What an earlier one stopped and did not start again is started by this one.
if [ -e "$stopped" ]; then
  # shellcheck disable=SC2046 # a list of ids
  rows=$(there $(sort -u -- "$stopped")) || fail "Docker does not tell which containers there are"
  while read -r each _; do
    [ -z "$each" ] || [ "$each" = "$runs" ] || clients+=("$each")
  done <<< "$rows"
fi
now() { echo "${EPOCHREALTIME/[.,]/}"; }
# What cannot be looked at is not healthy.
healthy() {
  local end=$((SECONDS + limit)) seen good
  while :; do
    seen=$("${docker[@]}" inspect --format \
      '{{.Name}} {{.State.Status}} {{with .State.Health}}{{.Status}}{{else}}none{{end}}' "$@") ||
      seen="docker inspect failed"
    good=$(grep -c -e ' running healthy$' -e ' running none$' <<< "$seen")
    [ "$good" -ne "$#" ] || return 0
    [ "$SECONDS" -lt "$end" ] || break
    sleep 0.2
  done
  seen=$(grep -v -e ' running healthy$' -e ' running none$' <<< "$seen")
  say "not healthy after ${limit}s: ${seen#/}"
  return 1
}
# What always restarts would do so with the engine, whatever data there is: until it is started again it restarts
# unless it was stopped.
calm() {
  local ids
  mapfile -t ids < <(present '{{.Id}} {{.HostConfig.RestartPolicy.Name}}' "$@" 2> /dev/null | sed -n 's/ always$//p')
  [ "${#ids[@]}" -eq 0 ] || {
    printf '%s\n' "${ids[@]}" >> "$always" && "${docker[@]}" update --restart unless-stopped "${ids[@]}" > /dev/null
  }
}
restless() {
  [ -e "$always" ] || return 0
  # shellcheck disable=SC2046 # a list of ids
  "${docker[@]}" update --restart always $(there $(sort -u -- "$always") | sed 's/ .*//') > /dev/null &&
    rm -f -- "$always"
}
halt() { [ "$#" -eq 0 ] || { calm "$@" && "${docker[@]}" stop "$@" > /dev/null; }; }
serve() {
  local bad=''
  # The store first: the others want it. They are started whatever becomes of it.
  [ -z "$runs" ] || start_all "$runs" || bad=yes
  [ -z "$runs" ] || [ -n "$bad" ] || healthy "$runs" || bad=unwell
  start_all "${clients[@]}" || bad=yes
  [ "$bad" = yes ] && {
    say "what was stopped could not all be started"
    return 1
  }
  restless || say "not all that was stopped restarts by itself as before: see $always"
  rm -f -- "$stopped"
  [ -z "$bad" ] || return
  [ "${#clients[@]}" -eq 0 ] || healthy "${clients[@]}"
}
# After a power cut a note that was removed is not there again.
agree() { rm -f -- "$swapping" && lasting "${swapping%/*}"; }
data_back() {
  # After a reboot it may only be about to answer; where it is not well, the old data may be what mends it.
  [ -z "$db" ] || healthy "$db" 2> /dev/null
  if [ -n "$db" ]; then db_rename "$before" "$name" "$new" || return; fi
  [ -z "$store" ] || objects_back >&2 || return
  agree
}
data_forward() {
  problem="the databases could not be renamed"
  [ -z "$db" ] || db_rename "$new" "$name" "$before" || return
  problem="the objects could not be exchanged"
  [ -z "$store" ] || objects_forward >&2 || return
  agree
}
noted() {
  [ "$(cat -- "$swapping" 2> /dev/null)" = "$note" ] ||
    { printf '%s\n' "$note" > "$swapping.part" && durable "$swapping.part" "$swapping"; }
}
# On a full disk the old data is put back all the same.
must() { [ "$direction" = back ] || "$@"; }
unnoted() { fail "what is to be stopped could not be noted"; }
unsaid() {
  serve
  fail "that data is exchanged could not be noted"
}
began=$(now)
note_stopped "$stopped" "${clients[@]}" ${runs:+"$runs"} || must unnoted
halt "${clients[@]}" || {
  serve
  fail "the services that use the data could not be stopped"
}
[ -z "$runs" ] || halt "$runs" || {
  serve
  fail "the object store could not be stopped"
}
noted || must unsaid
if [ "$direction" = back ]; then
  data_back || fail "the old data could not be put back, and nobody who uses it is started before it is"
elif ! data_forward; then
  data_back || fail "$problem, nor put back: nobody who uses the data is started before it is"
  say "$problem"
  serve
  exit 1
fi
serve || exit 1
echo "gap $(($(now) - began))"
