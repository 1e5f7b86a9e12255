# What a container uses, from its cgroup: reading files costs the host nothing; `docker stats` takes two seconds
# of the engine.

# usage ID: memory in use, its limit, CPU time in microseconds; 1 where it is not found.
cgroups=/sys/fs/cgroup
usage() {
  local at cpu memory limit used=0 cache=0 key value
  for at in "$cgroups/system.slice/docker-$1.scope" "$cgroups/docker/$1"; do
    [ -r "$at/memory.current" ] || continue
    read -r memory < "$at/memory.current" && read -r limit < "$at/memory.max" || return
    while read -r key value; do [ "$key" != inactive_file ] || cache=$value; done < "$at/memory.stat"
    while read -r key value; do [ "$key" != usage_usec ] || used=$value; done < "$at/cpu.stat"
    printf 'usage\t%s\t%s\t%s\t%s\n' "$1" "$((memory - cache))" "$limit" "$used"
    return
  done 2> /dev/null
  for at in "docker/$1" "system.slice/docker-$1.scope"; do
    for cpu in cpuacct cpu,cpuacct; do [ ! -r "$cgroups/$cpu/$at/cpuacct.usage" ] || break; done
    [ -r "$cgroups/memory/$at/memory.usage_in_bytes" ] || continue
    read -r memory < "$cgroups/memory/$at/memory.usage_in_bytes" &&
      read -r limit < "$cgroups/memory/$at/memory.limit_in_bytes" &&
      read -r used < "$cgroups/$cpu/$at/cpuacct.usage" || return
    while read -r key value; do
      [ "$key" != total_inactive_file ] || cache=$value
    done < "$cgroups/memory/$at/memory.stat"
    printf 'usage\t%s\t%s\t%s\t%s\n' "$1" "$((memory - cache))" "$limit" "$((used / 1000))"
    return
  done 2> /dev/null
  return 1
}
