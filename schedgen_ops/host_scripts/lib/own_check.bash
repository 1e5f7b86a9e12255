# A container's own healthcheck, made by us: Docker makes it for the first time after its whole interval, half a minute as
# a rule, and one that passes is all that it takes to be healthy. `docker` has the engine's words, an array.
# What is asked is a container's for as long as there is one.
declare -A passes=() hangs=() asked_of=()
own_check_limit=5

# passes_itself CONTAINER: it did once. A check that hangs is left to Docker, which can end it.
passes_itself() {
  local id=$1 words=() format='{{range .Config.Shell}}{{.}}{{"\x00"}}{{end}}{{"\x00"}}'
  [ -z "${passes[$id]-}" ] || return 0
  [ -z "${hangs[$id]-}" ] || return 1
  format+='{{with .Config.Healthcheck}}{{range .Test}}{{.}}{{"\x00"}}{{end}}{{end}}'
  if [ -n "${asked_of[$id]-}" ]; then
    eval "asked_itself=(${asked_of[$id]})"
  else
    mapfile -t -d '' words < <("${docker[@]}" inspect --format "$format" "$id" 2> /dev/null)
    # The last is the line's own end.
    [ "${#words[@]}" -gt 0 ] && own_check "${words[@]::${#words[@]}-1}" || return
    asked_of[$id]=${asked_itself[*]@Q}
  fi
  timeout -k 1 "$own_check_limit" "${docker[@]}" exec "$id" "${asked_itself[@]}" < /dev/null &> /dev/null
  case $? in
    0) passes[$id]=yes ;;
    124 | 137)
      hangs[$id]=yes
      return 1
      ;;
    *) return 1 ;;
  esac
}
# own_check SHELL... "" TEST...: what such a healthcheck runs, into the array `asked_itself`; fails where there is none.
own_check() {
  local shell=()
  while [ -n "${1-}" ]; do
    shell+=("$1")
    shift
  done
  case ${2-} in
    CMD) asked_itself=("${@:3}") ;;
    CMD-SHELL)
      [ "${#shell[@]}" -gt 0 ] || shell=(/bin/sh -c)
      asked_itself=("${shell[@]}" "${3-}")
      ;;
    *) return 1 ;;
  esac
}
