# Messages to the team from the host itself, to the webhook that came with whoever started this. `dir`, the folder that
# may hold it, is the caller's.
source lib/json.bash

# keep_webhook WHOSE: writes down for `tell` who speaks, and the webhook. It came as a variable by stdin, and is in the
# environment of nothing that is started from here.
keep_webhook() {
  local url=${schedgen_webhook-}
  unset schedgen_webhook
  [ -n "$url" ] || return 0
  command -v curl > /dev/null 2>&1 || echo "no curl"
  url=${url//\\/\\\\}
  (
    umask 077
    printf '%s\nurl = "%s"\n' "$1" "${url//\"/\\\"}" > "$dir/webhook"
  )
}

# tell TEXT: posts it, with nobody waiting. Whoever tells may at once end its session, and all that is still of it: the
# message is deaf to that before this returns. The address and the text are in no argument.
tell() {
  local whose config json
  [ -s "$dir/webhook" ] && command -v curl > /dev/null 2>&1 || return 0
  { IFS= read -r whose && IFS= read -r config; } < "$dir/webhook" || return 0
  json "$whose: $1"
  json="{\"text\":\"$json\"}"
  json=${json//\\/\\\\}
  config+=$'\n'"data-binary = \"${json//\"/\\\"}\""
  (
    trap '' TERM
    setsid curl --silent --max-time 10 --header 'Content-Type: application/json' --config - <<< "$config" &
  ) > /dev/null 2>&1 9>&-
}
