# What the ingress has counted of visitors. `docker` has the engine's words, an array; `project` is the caller's.

ask_ingress() {
  # shellcheck disable=SC2016 # the bash in there expands it
  timeout -k 2 15 "${docker[@]}" exec "$1" bash -c '
  ask() { exec 3<>/dev/tcp/127.0.0.1/9999 && printf "%s\n" "$1" >&3 && timeout 5 cat <&3 && exec 3<&-; }
  tables=
  while read -r mark word name rest; do
    [ "$mark$word" != "#table:" ] || tables+="show table ${name%,};"
  done < <(ask "show table")
  ask "show info;${tables}show stat" && echo over' < /dev/null 2> /dev/null
}

# count WHEN: what it has counted since its worker began, in a line: `visitors WHEN CONTAINER PID BORN`, then the
# answers of servers to visitors, those that were 5xx, all 5xx, those of servers, and answers that broke off.
count() {
  local id line f names i pid='' born='' over='' answers=0 errors=0 all=0 served=0 broken=0
  local -A at=()
  id=$(timeout -k 2 15 "${docker[@]}" ps --quiet --no-trunc \
    --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.service=schedgen-ingress 2> /dev/null) ||
    {
      echo "visitors $1 unknown"
      return
    }
  [ -n "$id" ] || {
    echo "visitors $1 none"
    return
  }
  id=${id%%$'\n'*}
  while IFS= read -r line; do
    case $line in
      'Pid: '*) pid=${line#*: } ;;
      'Start_time_sec: '*) born=${line#*: } ;;
      'Uptime_sec: '*) born=${born:-$((EPOCHSECONDS - ${line#*: }))} ;;
      *' gpc0='*)
        [[ $line =~ gpc0=([0-9]+) ]] && answers=$((answers + BASH_REMATCH[1]))
        [[ $line =~ gpc1=([0-9]+) ]] && errors=$((errors + BASH_REMATCH[1]))
        ;;
      '# pxname,'*)
        IFS=, read -ra names <<< "${line#'# '}"
        for i in "${!names[@]}"; do at[${names[i]}]=$i; done
        ;;
      over) over=yes ;;
      *,*)
        [ "${#at[@]}" -gt 0 ] || continue
        IFS=, read -ra f <<< "$line"
        case ${f[${at[type]}]} in
          0) all=$((all + ${f[${at[hrsp_5xx]}]:-0})) ;;
          1) broken=$((broken + ${f[${at[srv_abrt]}]:-0})) ;;
          2) served=$((served + ${f[${at[hrsp_5xx]}]:-0})) ;;
        esac
        ;;
    esac
  done < <(ask_ingress "$id")
  [ -n "$over" ] && [ -n "$born" ] && [ -n "$pid" ] && [ "${#at[@]}" -gt 0 ] ||
    {
      echo "visitors $1 unknown"
      return
    }
  echo "visitors $1 $id $pid $born $answers $errors $all $served $broken"
}
