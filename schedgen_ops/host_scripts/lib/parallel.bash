# Commands that run at the same time. Each writes lines NUMBER out|err PIECE and at last NUMBER end CODE
# MICROSECONDS; a pipe keeps a line of up to 4096 bytes whole, whoever else writes. Jobs have process groups of
# their own, so that what is late can be ended with all it started, and so that nothing goes on when this script
# is ended.

tell() {
  local rest=${3//$'\n'/$'\x1f'} size
  while [ -n "$rest" ]; do
    # Never within a character of UTF-8.
    for ((size = 3500; size > 3496; size--)); do [[ ${rest:size:1} == [$'\x80'-$'\xbf'] ]] || break; done
    printf '%s %s %s\n' "$1" "$2" "${rest:0:size}"
    rest=${rest:size}
  done
}
job() {
  local begun=${EPOCHREALTIME/[.,]/} err code
  {
    err=$({
      out=$(eval "$2" < /dev/null 2>&4 3>&- 4>&-)
      code=$?
      tell "$1" out "$out" >&3
      exit "$code"
    } 4>&1)
    code=$?
  } 3>&1
  tell "$1" err "$err"
  printf '%s end %s %s\n' "$1" "$code" "$((${EPOCHREALTIME/[.,]/} - begun))"
}
end() { for group in "${groups[@]}"; do kill -KILL -- "-$group"; done 2> /dev/null; }
# together LIMIT [NUMBER TEXT]...: all are ended after so many seconds. A text without a number starts jobs itself, once
# it did what they share.
together() {
  local limit=$1 jobs
  shift
  set -m
  export LC_ALL=C
  groups=()
  trap end EXIT
  trap 'exit 143' TERM INT HUP
  while [ "$#" -gt 0 ]; do
    if [ -n "$1" ]; then job "$1" "$2"; else eval "$2"; fi < /dev/null 2> /dev/null &
    groups+=($!)
    shift 2
  done
  jobs=("${groups[@]}")
  {
    sleep "$limit"
    end
  } 2> /dev/null &
  groups+=($!)
  wait "${jobs[@]}" 2> /dev/null
  exit 0
}
