# Tells the nodes of the Swarm, the services of a stack, and their tasks that are to run: JSON, a line each.
source lib/swarm.bash

"${docker[@]}" node ls --format '{"node":{{json .ID}},"name":{{json .Hostname}},"status":{{json .Status}},"availability":{{json .Availability}},"manager":{{json .ManagerStatus}},"engine":{{json .EngineVersion}},"self":{{json .Self}}}' || exit
ids=$("${docker[@]}" service ls --quiet --filter "label=com.docker.stack.namespace=$stack") || exit
[ -n "$ids" ] || exit 0
"${docker[@]}" service ls --filter "label=com.docker.stack.namespace=$stack" \
  --format '{"service":{{json .Name}},"id":{{json .ID}},"mode":{{json .Mode}},"replicas":{{json .Replicas}}}' || exit
xargs "${docker[@]}" service inspect --format '{"of":{{json .Spec.Name}},"definition":{{json (index .Spec.TaskTemplate.ContainerSpec.Labels "schedgen.definition")}},"update":{{if .UpdateStatus}}{{json .UpdateStatus.State}}{{else}}""{{end}},"message":{{if .UpdateStatus}}{{json .UpdateStatus.Message}}{{else}}""{{end}},"order":{{if .Spec.UpdateConfig}}{{json .Spec.UpdateConfig.Order}}{{else}}""{{end}},"placed":{{if .Spec.TaskTemplate.Placement}}{{json .Spec.TaskTemplate.Placement.Constraints}}{{else}}[]{{end}},"stopped":{{json (index .Spec.Labels "schedgen.stopped")}},"once":{{if .Spec.TaskTemplate.RestartPolicy}}{{json .Spec.TaskTemplate.RestartPolicy.Condition}}{{else}}""{{end}}}' <<< "$ids" || exit
xargs "${docker[@]}" service ps --no-trunc --filter desired-state=running \
  --format '{"task":{{json .Name}},"on":{{json .Node}},"is":{{json .CurrentState}},"error":{{json .Error}}}' <<< "$ids"
