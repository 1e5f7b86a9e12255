# Tells what stands by: the line of lib/standby.bash, and behind it the services; nothing where not all of it runs, or its
# time is over.
#: docker[] the engine's words
#: project  the compose project
#: state    our folder of state
source lib/standby.bash

{ read -r release newer until < "$state/standby/release"; } 2> /dev/null || exit 0
[ "$until" -gt "$EPOCHSECONDS" ] || exit 0
ids=$(standby_ids) || exit
[ -n "$ids" ] || exit 0
# shellcheck disable=SC2086 # a list of ids
said=$(present '{{.State.Status}} {{index .Config.Labels "com.docker.compose.service"}}' $ids) || exit
! grep -qv '^running ' <<< "$said" || exit 0
printf '%s' "$release $newer $until"
cut -d ' ' -f 2 <<< "$said" | sort -u | while read -r service; do printf ' %s' "$service"; done
