# Signed in to a registry for as long as a script runs: the credentials are in a folder for its owner alone, which goes
# whatever ends the script. The password comes as the variable `registry_password`, on stdin.
#: docker[] the engine's words
#: server   the registry, as images name it; "" for none
#: user     who signs in

# sign_in: signed[] is docker as who is signed in.
sign_in() {
  local base=/dev/shm host left key=$server
  signed=("${docker[@]}")
  [ -n "$server" ] || return 0
  # In memory, where that is possible: a host that loses its power forgets it.
  [ -d "$base" ] && [ -w "$base" ] || base=${TMPDIR:-/tmp}
  # What a script has left that was killed outright.
  for left in "$base"/schedgen-registry.*; do
    [[ $left =~ \.([0-9]+)\.[^.]+$ ]] && [ -O "$left" ] && ! kill -0 "${BASH_REMATCH[1]}" 2> /dev/null && rm -rf -- "$left"
  done
  umask 077
  trap '[ -z "$registry" ] || rm -rf -- "$registry"' EXIT
  trap 'exit 143' TERM INT HUP PIPE
  registry=$(mktemp -d "$base/schedgen-registry.$$.XXXXXXXX") || return
  # Docker Hub's is the only one that has another name there.
  [ "$server" != docker.io ] || key=https://index.docker.io/v1/
  printf '{"auths":{"%s":{"auth":"%s"}}}\n' "$key" "$(printf %s "$user:$registry_password" | base64 -w 0)" \
    > "$registry/config.json" || return
  unset registry_password
  # The folder that is not used now may have named another engine.
  host=$("${docker[@]}" context inspect --format '{{.Endpoints.docker.Host}}' 2> /dev/null)
  signed+=(--config "$registry" ${host:+--host "$host"})
}
registry=''
