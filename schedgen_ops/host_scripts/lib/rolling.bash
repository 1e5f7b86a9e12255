# Waits until services of a stack are what they are to be, and tells how each ended. Who sources it has sourced swarm.bash,
# and says of each service beforehand what its containers are to be: `want[NAME]` is their definition, `forced[NAME]` how often
# the service was restarted by then ("" for no matter), `changed[NAME]` whether anything is done to it, yes or no.
#: services[] their names
#: limit      seconds until all must be well
#: stay       seconds that what has no update to watch it has to stay up
#: still      seconds without any change, beside its own pauses, after which an update that lost a node stands still

declare -A want=() forced=() changed=() failed=() told=() verdict=() text=() status=() shape=() quiet=() again=()

# Those of the lines of `tasks` on stdin that are of the service $1 as it is to be.
its() { awk -F '\t' -v want="${want[$1]}" -v forced="${forced[$1]-}" '$4 == want && (forced == "" || $5 == forced)'; }
# How many containers of the service $1, as it is to be, have ended already.
failures() { tasks "$1" | its "$1" | awk -F '\t' '$3 ~ /^(failed|rejected|complete)$/ { n++ } END { print n + 0 }'; }

# One look at the service $1: sets its verdict to well, bad or nothing, and its text.
look() {
  local name=$1 known state message wanted lines running others lost why
  verdict[$name]='' text[$name]=''
  IFS=$'\t' read -r known state message < <("${docker[@]}" service inspect --format \
    '{{.ID}}{{"\t"}}{{if .UpdateStatus}}{{.UpdateStatus.State}}{{else}}new{{end}}{{"\t"}}{{if .UpdateStatus}}{{.UpdateStatus.Message}}{{end}}' \
    "${stack}_$name" 2> /dev/null) || {
    text[$name]='a manager does not answer'
    return
  }
  wanted=$("${docker[@]}" service ls --filter "id=$known" --format '{{.Replicas}}')
  wanted=${wanted#*/} wanted=${wanted%% *}
  # While managers elect a leader an answer may be none, or half of one.
  [[ -n $known && $wanted =~ ^[0-9]+$ ]] || {
    text[$name]='a manager does not answer'
    return
  }
  lines=$(tasks "$name")
  read -r running others lost < <(awk -F '\t' -v want="${want[$name]}" -v forced="${forced[$name]-}" '
    { mine = $4 == want && (forced == "" || $5 == forced) }
    $2 == "running" && $3 == "running" { if (mine) good++; else others++ }
    mine && $3 ~ /^(failed|rejected|complete)$/ { lost++ }
    END { print good + 0, others + 0, lost + 0 }' <<< "$lines")
  why=$(its "$name" <<< "$lines" | awk -F '\t' '$6 != "" { print $6; exit }')
  # One that its engine ends for want of health, and that heeds that, has nothing to say.
  [ -n "$why" ] || [ "$lost" -eq 0 ] || why='its container ended, or did not get healthy'
  text[$name]="$running of $wanted run"
  status[$name]=$state
  [ "${shape[$name]-}" = "$state $lines" ] || shape[$name]="$state $lines" quiet[$name]=$SECONDS
  case $state in
    paused | rollback*) verdict[$name]=bad text[$name]="${why:-$message}" ;;
    new) [ $((lost - failed[$name])) -lt 3 ] || verdict[$name]=bad text[$name]=${why:-it ends again and again} ;;
  esac
  [ -n "${verdict[$name]}" ] ||
    case $state in
      new | completed) [ "$running" -lt "$wanted" ] || [ "$others" -gt 0 ] || verdict[$name]=well ;;
      *) text[$name]+=", $message" ;;
    esac
  [ "${verdict[$name]}" != well ] || [ "$state" != new ] || [ "${changed[$name]}" = no ] || fresh=yes
  [ -n "${verdict[$name]}" ] || text[$name]+=${why:+: $why}
}

# The nodes whose status is $1. While managers elect a leader that of some is not known: they are not lost.
nodes_that_are() { "${docker[@]}" node ls --format '{{.ID}} {{.Status}}' 2> /dev/null | awk -v is="$1" '$2 == is { print $1 }' | sort; }
began=$(nodes_that_are Ready) gone=''
# Whether a node that was there at the start has been seen to be lost since.
loses_a_node() {
  [ -n "$gone" ] || [ -z "$(comm -12 <(echo "$began") <(nodes_that_are Down))" ] || gone=yes
  [ -n "$gone" ]
}
# Seconds that the update of the service $1 may pause by itself: between two containers, and to watch the last one.
pauses() {
  local told
  told=$("${docker[@]}" service inspect --format '{{with .Spec.UpdateConfig}}{{printf "%d %d" .Delay .Monitor}}{{end}}' \
    "${stack}_$1" 2> /dev/null) || return
  awk '{ printf "%.0f", ($1 + $2) / 1e9 + 0.5 }' <<< "${told:-0 0}"
}
# An update that waits for a container on a lost node waits for ever, though the Swarm has replaced that container. Told the
# same once more it goes on waiting; told of another label of the service it begins anew with what is left, and replaces
# nothing that is new already. Not where a container is still on its way, which would end the one that it is to replace; not
# where the update may just pause; not where somebody else has given the service another definition meanwhile; and once.
unstick() {
  local name=$1 pause
  [ "${status[$name]}" = updating ] && [ -z "${again[$name]-}" ] || return 0
  [ $((SECONDS - quiet[$name])) -ge "$still" ] && loses_a_node || return 0
  ! awk -F '\t' '$2 ~ /^(ready|running)$/ && $3 != "running" { found = 1 } END { exit !found }' <<< "${shape[$name]#* }" || return 0
  pause=$(pauses "$name") && [ $((SECONDS - quiet[$name])) -ge $((still + pause)) ] || return 0
  [ "$(having "$name")" = "${want[$name]}" ] || return 0
  again[$name]=yes
  echo "say $name: its update lost a node and stands still, it is begun again"
  led "${docker[@]}" service update --detach --quiet --label-add "schedgen.again=$(date +%s)" "${stack}_$name" > /dev/null || true
}

# Waits until all are well, one is in trouble, or the time is over.
watched() {
  local end=$((SECONDS + limit)) since='' name all fresh
  while :; do
    all=yes fresh=''
    for name in "${services[@]}"; do
      look "$name"
      [ "${told[$name]-}" = "${text[$name]}" ] || echo "say $name: ${text[$name]}"
      told[$name]=${text[$name]}
      [ "${verdict[$name]}" != bad ] || break 2
      [ "${verdict[$name]}" = well ] || all=''
      [ -n "${verdict[$name]}" ] || unstick "$name"
    done
    [ -n "$all" ] || since=''
    [ -z "$all" ] || since=${since:-$SECONDS}
    # What is new has no update that would watch it for a while.
    [ -z "$all" ] || { [ -n "$fresh" ] && [ $((SECONDS - since)) -lt "$stay" ]; } || break
    [ "$SECONDS" -lt "$end" ] || break
    waits 1
  done
}
# Says of each how it ended: `service NAME well|bad|late CHANGED TEXT`; fails unless all are well.
reported() {
  local name code=0
  for name in "${services[@]}"; do
    [ "${verdict[$name]-}" = well ] || code=1
    echo "service $name ${verdict[$name]:-late} ${changed[$name]} ${text[$name]-not looked at}"
  done
  return "$code"
}
