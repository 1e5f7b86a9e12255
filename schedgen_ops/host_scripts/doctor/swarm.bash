# What a manager tells of a stack beside how its services stand: JSON, a line each. The clock; each container that there is or
# was lately, and why it ended or is not there; what the release that serves names and the Swarm does not have.
#: state our folder of state
source lib/swarm.bash

printf '{"now":%s}\n' "$(date +%s)"
ids=$("${docker[@]}" service ls --quiet --filter "label=com.docker.stack.namespace=$stack") || exit
if [ -n "$ids" ]; then
  tasks=$(xargs "${docker[@]}" service ps --quiet --no-trunc <<< "$ids") || exit
  # One that has just been removed is no answer.
  [ -z "$tasks" ] || xargs "${docker[@]}" inspect --type task --format '{"of":{{json (index .Spec.ContainerSpec.Labels "com.docker.compose.service")}},"slot":{{.Slot}},"on":{{json .NodeID}},"wanted":{{json .DesiredState}},"is":{{json .Status.State}},"since":{{json .Status.Timestamp}},"why":{{json .Status.Err}},"container":{{if .Status.ContainerStatus}}{{json .Status.ContainerStatus.ContainerID}}{{else}}""{{end}},"forced":{{.Spec.ForceUpdate}},"definition":{{json (index .Spec.ContainerSpec.Labels "schedgen.definition")}}}' <<< "$tasks" 2> /dev/null || true
fi
current=$(cat -- "$state/current" 2> /dev/null) || exit 0
there=$({ "${docker[@]}" config ls --format '{{.Name}}' && "${docker[@]}" secret ls --format '{{.Name}}' &&
  "${docker[@]}" network ls --format '{{.Name}}'; }) || exit
for file in "$state/releases/$current/swarm"/*.json; do
  [ -e "$file" ] || continue
  # A canary has served beside the release, and is not a part of it.
  ! grep -q '"schedgen.canary":' "$file" || continue
  name=${file##*/} name=${name%.json}
  # One that nothing starts again is a job, and there while a deploy waits for it.
  grep -q '^     "condition": "none"' "$file" || printf '{"released":"%s"}\n' "$name"
  # The file's keys are in the order of the alphabet, a line each.
  sed -n '/^   "external": true,$/{ n; s/^   "name": "\(.*\)"$/\1/p }' "$file" | while IFS= read -r named; do
    grep -qxF -- "$named" <<< "$there" || printf '{"lacks":"%s","named":"%s"}\n' "$name" "$named"
  done
done
exit 0
