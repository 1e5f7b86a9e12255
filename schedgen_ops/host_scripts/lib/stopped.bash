# Containers that are stopped for a while, and started again. `docker` has the engine's words, an array.
source lib/docker.bash
source lib/files.bash

# start_all CONTAINER...: all are asked to start, whatever becomes of one; what the engine does not answer
# because it is being restarted is asked again.
start_all() {
  local end=$((SECONDS + 60)) said
  [ "$#" -gt 0 ] || return 0
  until said=$("${docker[@]}" start "$@" 2>&1 > /dev/null); do
    is_away "$said" && [ "$SECONDS" -lt "$end" ] || {
      printf '%s\n' "${said%%$'\n'*}" >&2
      return 1
    }
    sleep 1
  done
}

# note_stopped RECORD CONTAINER...: these are about to be stopped; what stands in the record already stays.
note_stopped() {
  local file=$1
  shift
  [ "$#" -gt 0 ] || return 0
  mkdir -p -- "${file%/*}" && { ! [ -e "$file" ] || cat -- "$file" && printf '%s\n' "$@"; } > "$file.part" &&
    durable "$file.part" "$file"
}

# there CONTAINER...: id and status of those that are there, a line each.
there() { [ "$#" -eq 0 ] || present '{{.Id}} {{.State.Status}}' "$@"; }
