# Questions to the Docker Engine. `docker` has the engine's words, an array.

# What the name of a container ends with that stands by, see lib/standby.bash: nobody else looks for it.
standby_mark=-schedgen-standby

# Whether this is what `docker` says of an engine that is away.
is_away() { case $1 in *'connect to the Docker daemon'* | *'error during connect'*) ;; *) return 1 ;; esac }

# listed_ids WORD...: the ids of those that `docker ps` lists, asked so, and that do not stand by.
listed_ids() {
  "${docker[@]}" ps --no-trunc --format '{{.ID}} {{.Names}}' "$@" | sed "/$standby_mark\$/d; s/ .*//"
}

# present FORMAT CONTAINER...: `docker inspect` of those that are there. What went since it was listed, as a
# `run --rm` does, is passed over: Docker tells of the others and calls it a failure.
present() {
  local format=$1 said code
  shift
  { said=$("${docker[@]}" inspect --format "$format" "$@" 2>&1 >&7 7>&-) && code=0 || code=$?; } 7>&1
  [ "$code" -ne 0 ] || return 0
  ! grep -qivE '^(error[^:]*: )*no such (object|container)' <<< "$said" || {
    printf '%s\n' "${said:-docker inspect ended with $code}" >&2
    return "$code"
  }
}

# containers FILTER FORMAT WORD...: `docker inspect` of all that match, by these words of the engine.
containers() {
  local filter=$1 format=$2 ids docker
  shift 2
  docker=("$@")
  ids=$(listed_ids --all --filter "$filter") || return
  # shellcheck disable=SC2086 # a list of ids
  [ -z "$ids" ] || present "$format" $ids
}
