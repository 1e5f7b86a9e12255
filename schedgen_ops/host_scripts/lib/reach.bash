# How containers are put out of reach for a while, and back, while they go on running. `docker`, `state` and `service`
# are the caller's. How they were is on record before anything is done to them, in `cut/SERVICE` of our folder of
# state, a line for each network that one is on: ID NETWORK ADDRESS ALIAS...
source lib/docker.bash
source lib/files.bash
source lib/others_reach.bash

# Such a line for each network that they are on now, "-" for no address. One that shares a network has none.
# shellcheck disable=SC2016 # the engine expands it
networks_of() {
  [ "$#" -eq 0 ] || present '{{$id := .Id}}{{range $name, $at := .NetworkSettings.Networks -}}
    {{if and (ne $name "host") (ne $name "none")}}{{$id}} {{$name}} {{or $at.IPAddress "-" -}}
    {{range $at.Aliases}} {{.}}{{end}}{{println}}{{end}}{{end}}' "$@"
}
# note_networks ROWS: what stands in the record already stays: it is how they were.
note_networks() {
  local file=$state/cut/$service said=$1
  [ -n "$said" ] || return 0
  mkdir -p -- "${file%/*}" && {
    [ ! -e "$file" ] || cat -- "$file"
    printf '%s\n' "$said"
  } | awk 'NF && !seen[$1, $2]++' > "$file.part" && durable "$file.part" "$file"
}
forget_networks() {
  local file=$state/cut/$service
  [ ! -e "$file" ] || { rm -f -- "$file" && lasting "${file%/*}"; }
}
# One at a time, of all services: addresses that another one frees or takes meanwhile would be given to the wrong one.
by_itself() {
  local lock code
  exec {lock}>> "$state/cut.lock" && flock "$lock" || return
  "$@"
  code=$?
  exec {lock}>&-
  return "$code"
}
# Whether anybody could reach it. Most workers listen nowhere, and are not disturbed in the middle of their work.
listens() {
  local pid
  pid=$("${docker[@]}" inspect --format '{{.State.Pid}}' "$1") && grep -qs -- "$1" "/proc/$pid/cgroup" &&
    [ -r "/proc/$pid/net/tcp" ] || return 0
  others_reach "$pid" tcp tcp6 udp udp6
}
# Those that listen, into the array `reachable`.
find_reachable() {
  local id
  reachable=()
  for id; do ! listens "$id" || reachable+=("$id"); done
}
# Whether one IPv4 address comes before another.
comes_before() {
  local a b
  IFS=. read -ra a <<< "$1"
  IFS=. read -ra b <<< "$2"
  [ "${#a[@]}${#b[@]}" = 44 ] && printf -v a '%03d' "${a[@]}" && printf -v b '%03d' "${b[@]}" && [[ $a < $b ]]
}
# connect_at NETWORK CONTAINER ADDRESS [ALIAS...]: on a network, with the address that it had there, since who looked
# it up once goes on asking it. The engine gives the lowest that is free: those below it are taken meanwhile.
connect_at() {
  local network=$1 id=$2 address=$3 names=() name got image filler fillers=() code
  shift 3
  for name; do case $id in "$name"*) ;; *) names+=(--alias "$name") ;; esac done
  while :; do
    "${docker[@]}" network connect "${names[@]}" "$network" "$id"
    code=$?
    got=$(networks_of "$id" | awk -v network="$network" '$2 == network { print $3 }')
    comes_before "$got" "$address" || break
    image=$("${docker[@]}" inspect --format '{{.Image}}' "$id") || break
    "${docker[@]}" network disconnect "$network" "$id" || break
    # No container of the project, whatever labels its image has.
    filler=$("${docker[@]}" run --detach --rm --network "$network" --label com.docker.compose.project= \
      --entrypoint sleep "$image" 60) || {
      "${docker[@]}" network connect "${names[@]}" "$network" "$id"
      code=$?
      break
    }
    fillers+=("$filler")
  done
  [ "${#fillers[@]}" -eq 0 ] || "${docker[@]}" rm --force "${fillers[@]}" > /dev/null
  return "$code"
}
# free_below NETWORK ADDRESS: how many addresses the engine would give before this one.
free_below() {
  local network=$1 address=$2 base gateway taken last at number=0
  read -r base gateway taken < <("${docker[@]}" network inspect --format \
    '{{with index .IPAM.Config 0}}{{or .IPRange .Subnet}} {{or .Gateway "-"}}{{end}}{{range .Containers}} {{.IPv4Address}}{{end}}' "$network")
  ip_number "${base%/*}" && last=$REPLY && ip_number "$address" || return
  at=$REPLY
  taken=" $gateway $taken "
  while [ $((++last)) -lt "$at" ] && [ "$number" -lt 16 ]; do
    printf -v base '%d.%d.%d.%d' $((last >> 24 & 255)) $((last >> 16 & 255)) $((last >> 8 & 255)) $((last & 255))
    case $taken in *" $base "* | *" $base/"*) ;; *) number=$((number + 1)) ;; esac
  done
  echo "$number"
}
ip_number() {
  local part
  IFS=. read -ra part <<< "$1"
  [ "${#part[@]}" -eq 4 ] && REPLY=$((part[0] << 24 | part[1] << 16 | part[2] << 8 | part[3]))
}
# fill_below IMAGE ROW...: of the networks in such rows, all addresses below those in them are taken meanwhile, by
# containers whose ids go into the array `fillers`.
fill_below() {
  local image=$1 row network address count filler
  local -A upto=()
  shift
  fillers=()
  for row; do
    read -r _ network address _ <<< "$row"
    [ "$address" = - ] || comes_before "$address" "${upto[$network]-}" || upto[$network]=$address
  done
  for network in "${!upto[@]}"; do
    count=$(free_below "$network" "${upto[$network]}") || continue
    for (( ; count > 0; count--)); do
      # No container of the project, whatever labels its image has.
      filler=$("${docker[@]}" run --detach --rm --network "$network" --label com.docker.compose.project= \
        --entrypoint sleep "$image" 60) && fillers+=("$filler")
    done
  done
}
# noted_networks "names"|"" SERVICE...: the rows of their records; without "names" of those of all services.
noted_networks() {
  local how=$1 files file
  shift
  files=("${@/#/$state/cut/}")
  [ -n "$how" ] || files=("$state/cut/"*)
  for file in "${files[@]}"; do case $file in *.part) ;; *) [ ! -e "$file" ] || cat -- "$file" ;; esac done
}
cut_off() { by_itself off "$@"; }
# join_again "names"|"" [SERVICE...]: see `on`; of the caller's `service` where none is named.
join_again() {
  local how=$1 each
  shift
  [ "$#" -gt 0 ] || set -- "$service"
  for each; do
    [ -e "$state/cut/$each" ] || continue
    by_itself on "$how" "$@"
    return
  done
}
# cut_off "names"|ALIAS|"" CONTAINER...: nobody reaches them; with "names" nobody finds them by a name of the service any
# more, with an alias by that alone, and at their addresses they are as before.
off() {
  local how=$1 said rows row id network address
  shift
  said=$(networks_of "$@") && note_networks "$said" || return
  mapfile -t rows <<< "$said"
  for row in "${rows[@]}"; do
    read -r id network address _ <<< "$row"
    [ -n "$id" ] || continue
    "${docker[@]}" network disconnect "$network" "$id" || return
    case $how in
      '') ;;
      names) connect_at "$network" "$id" "$address" || return ;;
      *) connect_at "$network" "$id" "$address" "$how" || return ;;
    esac
  done
}
# on "names"|"" SERVICE...: what was put out of reach and is still there is on its networks again; with "names" as it was
# before, and the record goes. Without, it is so for all services: the lowest address is the one that the engine gives,
# and one that had gone by then would be missing below the others. So all leave at the same time before the first comes.
on() {
  local how=$1 rows=() ids=() row now at id network address names name code=0 coming=() leaving=() service
  shift
  mapfile -t rows < <(noted_networks "$how" "$@" | sort --version-sort --key=3,3)
  mapfile -t ids < <(present '{{.Id}}' "${rows[@]%% *}" | sort -u)
  now=$(networks_of "${ids[@]}") || return
  for row in "${rows[@]}"; do
    read -r id network address names <<< "$row"
    case " ${ids[*]} " in *" $id "*) ;; *) continue ;; esac
    [ -n "$how" ] || names=
    at=$(grep -m 1 -- "^$id $network " <<< "$now")
    if [ -n "$at" ]; then
      for name in $names; do case " $at " in *" $name "*) ;; *) at='' ;; esac done
      [ -z "$at" ] || continue
      "${docker[@]}" network disconnect "$network" "$id" &
      leaving+=("$!")
    fi
    coming+=("$network $id $address $names")
  done
  for row in "${leaving[@]}"; do wait "$row" || code=1; done
  # shellcheck disable=SC2086 # the words of a row
  for row in "${coming[@]}"; do connect_at $row || code=1; done
  [ "$code" -eq 0 ] || return
  [ -z "$how" ] || for service; do forget_networks; done
}
# named RECORD...: containers that are on their networks under no name have those of such rows of their record again, one
# after the other, so that each gets the address that it left; `now` has the rows of how they are. What was sent to them
# meanwhile is sent again.
named() {
  local row id network address names at code=0
  for row; do
    read -r id network address names <<< "$row"
    if at=$(grep -m 1 -- "^$id $network " <<< "$now"); then
      read -r _ _ address _ <<< "$at"
      "${docker[@]}" network disconnect "$network" "$id" || code=1
    fi
    # shellcheck disable=SC2086 # the words of a row
    connect_at "$network" "$id" "$address" $names || code=1
  done
  return "$code"
}
