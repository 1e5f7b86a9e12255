# What is to be known of a definition besides Compose's hashes of its services. compose[] is the caller's.
source lib/variable_values.bash

# tell_given ENV < DEFINITION: a line for each variable that is the value of a config or a secret, `$NAME` and a hash of
# what the env file ENV, or this shell, has for it. No value is told.
tell_given() {
  local names line said
  # What is no mapping is not that of a service.
  mapfile -t names < <(grep -oE '"environment": *"[A-Za-z_][A-Za-z0-9_]*"' | cut -d '"' -f 4 | sort -u)
  [ "${#names[@]}" -gt 0 ] || return 0
  said=$(variable_values "$1" "${names[@]}") || return
  while IFS= read -r line; do
    printf '$%s %s\n' "$(cut -d '"' -f 2 <<< "$line")" "$(printf '%s' "$line" | sha256sum | cut -c 1-64)"
  done <<< "$said"
}
# tell_unread < DEFINITION: `!` and why, where Compose does not read again what it has resolved; a release is that.
tell_unread() {
  local said words
  project_words
  said=$("${words[@]}" --profile '*' -f - config --quiet 2>&1) && return
  # A release's own definition goes without optional needs that are not there.
  case $said in *"undefined service"*) ;; *) printf '! %s\n' "$(tail -n 1 <<< "$said")" ;; esac
}
