# What Compose runs of a project where a Swarm is to: its containers, but not those of the Swarm, which have the same labels.
#: docker[] the engine's words
#: project  its name
source lib/docker.bash

# boxes: a line each: id, whether it runs, what starts it again, as always:0, and `holds` where it has a volume, else `free`.
boxes() {
  local ids format
  ids=$("${docker[@]}" ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project") || return
  [ -n "$ids" ] || return 0
  format='{{if index .Config.Labels "com.docker.swarm.task.id"}}{{else}}{{.ID}} {{.State.Running}} '
  format+='{{with .HostConfig.RestartPolicy}}{{with .Name}}{{.}}{{else}}no{{end}}:{{.MaximumRetryCount}}{{end}} '
  # shellcheck disable=SC2016 # variables of Docker's template
  format+='{{$held := "free"}}{{range .Mounts}}{{if eq .Type "volume"}}{{$held = "holds"}}{{end}}{{end}}{{$held}}{{end}}'
  # shellcheck disable=SC2086 # a list of ids
  present "$format" $ids | sed '/^$/d'
}
