# Restarts, starts, stops services of a stack, or gives them another number of containers, and waits until that is so; says of
# each how it ended as `roll` does. What is stopped is to have no container, and a label of the service says how many it had: a
# deploy, which tells the Swarm all that a service is, takes that away. A number that does not get well is taken back.
#: how        restart, start, stop or scale
#: services[] their names
#: counts[]   for each how many containers it is to have: for scale; for start where nobody knows how many there were
source lib/swarm.bash
source lib/rolling.bash

label=schedgen.stopped
declare -A had=() count=()
update() { led "${docker[@]}" service update --detach --quiet "${@:2}" "${stack}_$1" > /dev/null; }
for at in "${!services[@]}"; do
  name=${services[at]}
  # An answer that is none is no reason to begin.
  if ! want[$name]=$(having "$name") || ! had[$name]=$(counted "$name"); then
    echo "$name is no service of the stack, or no manager answers" >&2
    exit 1
  fi
  changed[$name]=yes
  failed[$name]=$(failures "$name")
  case $how in
    scale) count[$name]=${counts[at]} ;;
    start)
      count[$name]=${had[$name]}
      [ "${had[$name]}" != 0 ] || count[$name]=$("${docker[@]}" service inspect --format "{{index .Spec.Labels \"$label\"}}" "${stack}_$name")
      [[ ${count[$name]} =~ ^[1-9][0-9]*$ ]] || count[$name]=${counts[at]}
      ;;
  esac
done

for name in "${services[@]}"; do
  case $how in
    restart)
      update "$name" --force || exit
      forced[$name]=$("${docker[@]}" service inspect --format '{{.Spec.TaskTemplate.ForceUpdate}}' "${stack}_$name") || exit
      failed[$name]=0
      ;;
    stop) [ "${had[$name]}" = 0 ] || update "$name" --replicas 0 --label-add "$label=${had[$name]}" || exit ;;
    start) [ "${had[$name]}" != 0 ] || update "$name" --replicas "${count[$name]}" --label-rm "$label" || exit ;;
    scale) update "$name" --replicas "${count[$name]}" --label-rm "$label" || exit ;;
  esac
done

# Waits until no more containers of the service $1 run than $2; they have as long as they themselves ask for.
no_more() {
  local own time seen end
  own=$("${docker[@]}" service inspect --format '{{json .Spec.TaskTemplate.ContainerSpec.StopGracePeriod}}' "${stack}_$1")
  [[ $own =~ ^[0-9]+$ ]] || own=0
  time=$((limit + own / 1000000000)) end=$((SECONDS + limit + own / 1000000000))
  until seen=$(left "$1") && [ "$(grep -c . <<< "$seen")" -le "$2" ]; do
    [ "$SECONDS" -lt "$end" ] || {
      verdict[$1]=late text[$1]="after $time s there still run: ${seen//$'\n'/; }"
      return 1
    }
    sleep 0.3
  done
}

follow
trap unfollow EXIT
if [ "$how" = stop ]; then
  for name in "${services[@]}"; do
    ! no_more "$name" 0 || verdict[$name]=well text[$name]="${had[$name]}"
  done
  [ -z "$(nodes_that_are Down)" ] || echo 'say a node is lost: what runs there ends once it is back'
  reported
  exit
fi
watched
for name in "${services[@]}"; do
  [ "$how" = scale ] || continue
  if [ "${verdict[$name]-}" = well ]; then
    no_more "$name" "${count[$name]}" || true
  elif [ "${had[$name]}" -lt "${count[$name]}" ]; then
    update "$name" --replicas "${had[$name]}" && text[$name]+="; it is to have ${had[$name]} again"
  fi
done
reported
