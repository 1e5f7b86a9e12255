# What a diagnosis needs of a project's containers beside their state, a line each: `now EPOCH`; `box ID JSON`;
# `log ID LINE`, the end of the log of one that is not well, or was restarted; `oom NAME` for what lost a process for want of memory
# within the hour; `port NUMBER` that something listens on, `by NUMBER WHO`; `published NAME PORTS` of any container.
#: docker[] the engine's words
#: filter   the project's label, as `docker ps --filter` takes it
#: format   what is told of each, its id and `STATUS/HEALTH/RESTARTS` first
source lib/docker.bash

printf 'now %s\n' "$(date +%s)"
rows=$(containers "$filter" "$format" "${docker[@]}") || exit
while read -r id state row; do
  [ -n "$id" ] || continue
  printf 'box %s %s\n' "$id" "$row"
  case $state in running//0 | running/healthy/0) continue ;; esac
  "${docker[@]}" logs --tail 40 "$id" 2>&1 | cut -c 1-400 | while IFS= read -r line; do
    printf 'log %s %s\n' "$id" "$line"
  done
done <<< "$rows"
"${docker[@]}" events --since 3600s --until 0s --filter event=oom --filter "$filter" \
  --format 'oom {{index .Actor.Attributes "com.docker.compose.service"}}' 2> /dev/null | sort -u
"${docker[@]}" ps --no-trunc --format 'published {{.Names}} {{.Ports}}'
cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | while read -r _ here _ state _; do
  [ "$state" != 0A ] || printf 'port %s\n' "$((16#${here##*:}))"
done | sort -u
# Who it is, only root is told of another user's.
{ ss -Hltnp 2> /dev/null || true; } | sed -nE 's/^\S+ +\S+ +\S+ +\S*:([0-9]+) +\S+ +users:\(\("([^"]*)",pid=([0-9]+).*/by \1 \2 (process \3)/p'
exit 0
