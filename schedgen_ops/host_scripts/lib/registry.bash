# Signed in to registries for as long as a script runs: the credentials are in a folder for its owner alone, which goes
# whatever ends the script. The passwords come as the variables `registry_password_0`, `_1` ..., on stdin. What the host
# itself is signed in to it stays signed in to.
#: docker[]  the engine's words
#: servers[] the registries, as images name them; without any the host's own credentials are all there are
#: users[]   who signs in to each

# sign_in: signed[] is docker as who is signed in.
sign_in() {
  local base=/dev/shm host left
  signed=("${docker[@]}")
  [ "${#servers[@]}" -gt 0 ] || return 0
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
  credentials > "$registry/config.json" || return
  unset "${!registry_password_@}"
  # The folder that is not used now may have named another engine.
  host=$("${docker[@]}" context inspect --format '{{.Endpoints.docker.Host}}' 2> /dev/null)
  signed+=(--config "$registry" ${host:+--host "$host"})
}

# credentials: the file that docker reads them from. Of a registry that is named twice the last word counts.
credentials() {
  local at key password entries=() helpers=()
  for at in "${!servers[@]}"; do
    key=${servers[at]} password=registry_password_$at
    # Docker Hub's is the only one that has another name there.
    [ "$key" != docker.io ] || key=https://index.docker.io/v1/
    entries+=("\"$key\":{\"auth\":\"$(printf %s "${users[at]}:${!password}" | base64 -w 0)\"}")
    # What keeps the host's own would be asked for ours too.
    helpers+=("\"$key\":\"\"")
  done
  printf '{"auths":{'
  own '"[^"{}]+": *\{[^{}]*"(auth|identitytoken)": *"[^"]*"[^{}]*\}' | while read -r left; do printf '%s,' "$left"; done
  (IFS=, && printf '%s},"credHelpers":{' "${entries[*]}")
  own '"credHelpers": *\{[^{}]*\}' | grep -oE '"[^"{}]+": *"[^"]*"' | while read -r left; do printf '%s,' "$left"; done
  (IFS=, && printf '%s}' "${helpers[*]}")
  own '"credsStore": *"[^"]*"' | while read -r left; do printf ',%s' "$left"; done
  printf '}\n'
}

# own PATTERN: the parts of what the host itself is signed in by that match, a line each. Another user's cannot be read.
own() {
  [ "${docker[0]}" != sudo ] || return 0
  tr '\n\r\t' '   ' 2> /dev/null < "${DOCKER_CONFIG:-$HOME/.docker}/config.json" | grep -oE "$1"
}
registry=''
