# Services of a stack: what they are to be, and how they stand. Asked of a manager.
#: docker[] the engine's words
#: stack    the stack's name

# The definition that the file $1 gives its service.
defined() { sed -n 's/.*"schedgen\.definition": "\([0-9a-f]*\)".*/\1/p' "$1" | head -n 1; }

# How many containers the file $1 says that its service is to have; nothing where it says none.
replicas() { sed -n 's/^    "replicas": \([0-9]*\).*/\1/p' "$1" | head -n 1; }

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

# How many containers the service $1 is to have; nothing where it is not there, or runs on every node.
counted() { "${docker[@]}" service inspect --format '{{with .Spec.Mode.Replicated}}{{.Replicas}}{{end}}' "${stack}_$1" 2> /dev/null; }

# tasks SERVICE...: a line for each task, also of earlier ones: the service, what it is to do, what it does, its definition,
# how often the service was restarted by then, why it ended.
tasks() {
  local ids
  ids=$("${docker[@]}" service ps --quiet --no-trunc "${@/#/${stack}_}" 2> /dev/null)
  # One that has just been removed is no answer.
  [ -z "$ids" ] || xargs -r "${docker[@]}" inspect --type task --format \
    '{{.ServiceID}}	{{.DesiredState}}	{{.Status.State}}	{{index .Spec.ContainerSpec.Labels "schedgen.definition"}}	{{.Spec.ForceUpdate}}	{{.Status.Err}}' \
    <<< "$ids" 2> /dev/null || true
}

# waits SECONDS: until something happens in the Swarm that may matter, or so many seconds; `follow` comes first.
follow() { exec {news}< <(exec "${docker[@]}" events --filter scope=swarm --format '{{.Type}} {{.Action}}' 2> /dev/null) && teller=$!; }
waits() { read -r -t "$1" -u "$news" _ || sleep 0.2; }
unfollow() { [ -z "${teller-}" ] || kill "$teller" 2> /dev/null || true; }

# left SERVICE...: a line for each of their containers that runs or is about to, but on a node that is lost: of what is there
# nobody hears until it is back, and then it ends. Fails where nobody knows.
left() {
  local seen lost
  seen=$("${docker[@]}" service ps --format '{{.Name}} {{.CurrentState}}{{"\t"}}{{.Node}}' "${@/#/${stack}_}" 2> /dev/null) || {
    echo 'a manager does not answer'
    return 1
  }
  lost=$("${docker[@]}" node ls --format '{{.Hostname}} {{.Status}}' 2> /dev/null |
    awk '$2 == "Down" { down[$1] = 1 } $2 != "Down" { up[$1] = 1 } END { for (name in down) if (!(name in up)) print name }')
  grep -E '^[^ ]+ (Running|Starting|Preparing|Ready|Accepted|Assigned|Pending|New) ' <<< "$seen" |
    awk -F '\t' -v lost="$lost" 'BEGIN { split(lost, names, "\n"); for (n in names) gone[names[n]] = 1 } !($2 in gone) { print $1 }' || true
}
