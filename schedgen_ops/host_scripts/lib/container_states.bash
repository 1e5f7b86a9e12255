# What Docker says of a container, for what looks at it again and again. `docker` has the engine's words, an array.
source lib/docker.bash

# container_states CONTAINER...: of those that are there, a line each, a tab between its fields:
#   ID NAME SERVICE RELEASE STATUS HEALTH RESTARTS OOM_KILLED STARTED ADDRESSES EXIT_CODE JOBS
# A dash stands for nothing, because bash reads no empty field between tabs; each address has a comma behind it. JOBS are
# those that it is or waits for, among other needs: SERVICE:CONDITION, with commas between them.
container_states() {
  # With .Id Docker would go by what its API says, which has no Health for a container without a check.
  local format='{{.ID}}\t{{.Name}}\t{{index .Config.Labels "com.docker.compose.service"}}\t'
  format+='{{with index .Config.Labels "schedgen.release"}}{{.}}{{else}}-{{end}}\t{{.State.Status}}\t'
  format+='{{with .State.Health}}{{.Status}}{{else}}-{{end}}\t{{.RestartCount}}\t{{.State.OOMKilled}}\t'
  format+='{{.State.StartedAt}}\t{{range .NetworkSettings.Networks}}{{.IPAddress}},{{.GlobalIPv6Address}},{{else}}-{{end}}\t'
  format+='{{.State.ExitCode}}\t{{index .Config.Labels "schedgen.jobs"}},'
  format+='{{index .Config.Labels "com.docker.compose.depends_on"}}'
  present "${format//'\t'/$'\t'}" "$@" 2> /dev/null
}
