# within SECONDS COMMAND...: COMMAND again and again until it ends well; else how it ended the last time.
within() {
  local end=$((SECONDS + $1)) code
  shift
  until "$@"; do
    code=$?
    [ "$SECONDS" -lt "$end" ] || return "$code"
    sleep 0.1
  done
}
