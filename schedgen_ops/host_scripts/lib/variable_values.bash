# What Compose has for variables. compose[] is the caller's.

# variable_values ENV NAME...: a line of JSON for each variable, `"NAME": "VALUE"`, as the env file ENV or this shell has it;
# "" where neither does.
variable_values() {
  local env=$1 name labels='' said words
  shift
  for name; do labels+=",\"value.$name\":\"\${$name-}\""; done
  project_words
  [ ! -f "$env" ] || words+=(--env-file "$env")
  said=$(printf '{"services":{"values":{"image":"values","labels":{%s}}}}' "${labels#,}" |
    "${words[@]}" -f - config --format json) || return
  grep -oE '"value\.[^"]+": *"([^"\\]|\\.)*"' <<< "$said" | sed -E 's/^"value\.([^"]+)": */"\1": /'
}
# `docker compose` with the project's name alone, into the array `words`.
project_words() {
  local word last=''
  words=()
  for word in "${compose[@]}"; do
    words+=("$word")
    [ "$last" != --project-name ] || break
    last=$word
  done
}
