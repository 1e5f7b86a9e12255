# Services of a stack: what they are to be, and how they stand. Asked of a manager.
#: docker[] the engine's words
#: stack    the stack's name

# The definition that the file $1 gives its service.
defined() { sed -n 's/.*"schedgen\.definition": "\([0-9a-f]*\)".*/\1/p' "$1" | head -n 1; }

# The definition that the service $1 has now; nothing where it is not there.
having() {
  "${docker[@]}" service inspect --format '{{index .Spec.TaskTemplate.ContainerSpec.Labels "schedgen.definition"}}' \
    "${stack}_$1" 2> /dev/null
}

# led COMMAND...: does it, again and again for a while as long as the Swarm has no leader: one that is lost is replaced by
# itself within seconds.
led() {
  local said end=$((SECONDS + 60)) code told=''
  while :; do
    said=$("$@" 2>&1) && code=0 || code=$?
    [ "$code" -ne 0 ] && [ "$SECONDS" -lt "$end" ] && [[ $said =~ 'no leader'|'not have a leader'|'DeadlineExceeded'|'deadline exceeded'|'Unavailable'|'lost leader' ]] || break
    [ -n "$told" ] || echo 'say the Swarm has no leader, trying again'
    told=yes
    sleep 2
  done
  [ "$code" -eq 0 ] && printf '%s\n' "$said" || printf '%s\n' "$said" >&2
  return "$code"
}

# tasks SERVICE...: a line for each task, also of earlier ones: the service, what it is to do, what it does, its definition,
# why it ended.
tasks() {
  local ids
  ids=$("${docker[@]}" service ps --quiet --no-trunc "${@/#/${stack}_}" 2> /dev/null)
  # One that has just been removed is no answer.
  [ -z "$ids" ] || xargs -r "${docker[@]}" inspect --type task --format \
    '{{.ServiceID}}	{{.DesiredState}}	{{.Status.State}}	{{index .Spec.ContainerSpec.Labels "schedgen.definition"}}	{{.Status.Err}}' \
    <<< "$ids" 2> /dev/null || true
}

# waits SECONDS: until something happens in the Swarm that may matter, or so many seconds; `follow` comes first.
follow() { exec {news}< <(exec "${docker[@]}" events --filter scope=swarm --format '{{.Type}} {{.Action}}' 2> /dev/null) && teller=$!; }
waits() { read -r -t "$1" -u "$news" _ || sleep 0.2; }
unfollow() { [ -z "${teller-}" ] || kill "$teller" 2> /dev/null || true; }
