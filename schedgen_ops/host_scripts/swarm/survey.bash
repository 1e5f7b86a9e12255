# Tells of a node what moving a project from Compose to the Swarm comes to there: JSON, a line each.
#: docker[]  the engine's words
#: project   its name
#: directory the project's
#: record    the file where a move notes what it has stopped
#: ports[]   the published ports
#: sized     "yes" where it matters how large volumes are
source lib/docker.bash

"${docker[@]}" info --format '{"node":{{json .Swarm.NodeID}}}' || exit
ids=$("${docker[@]}" ps --all --quiet --no-trunc --filter "label=com.docker.compose.project=$project") || exit
format='{"box":{{json .Name}},"labels":{{json .Config.Labels}},"status":{{json .State.Status}},'
format+='"ports":{{json .HostConfig.PortBindings}},"mounts":{{json .Mounts}}}'
# shellcheck disable=SC2086 # a list of ids
[ -z "$ids" ] || present "$format" $ids || exit
"${docker[@]}" volume ls --filter driver=local --format '{"volume":{{json .Name}}}' || exit
# It walks through all that there is: how large they are is worth some seconds, and no more.
if [ "$sized" = yes ]; then
  timeout 60 "${docker[@]}" system df --verbose --format '{"sizes":{{json .Volumes}}}' 2> /dev/null || true
  echo
fi
for port in "${ports[@]}"; do
  ! (exec 3<> "/dev/tcp/127.0.0.1/$port") 2> /dev/null || printf '{"busy":%d}\n' "$port"
done
[ ! -e "$record" ] || printf '{"moved":"%s"}\n' "$(sed -n 's/^release //p' "$record")"
[ ! -w "$directory" ] || echo '{"directory":true}'
