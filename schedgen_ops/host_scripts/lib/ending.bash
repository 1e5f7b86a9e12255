# end_holder WHOM LOCK: ends the process, or with "-NUMBER" the group, that holds the lock for as long as it lives; it
# fails where the lock is still held after 10 s. It is told again and again, since bash 5.2 now and then loses a signal
# for which it has a trap: one that comes while it starts what a redirection reads from, as `read x < <(y)`.
end_holder() {
  local tries lock code=1
  # It may take the folder of its lock away as it ends: nothing may be made there meanwhile.
  { exec {lock}< "$2"; } 2> /dev/null || return 0
  for ((tries = 0; code && tries < 20; tries++)); do
    kill -TERM -- "$1" 2> /dev/null
    flock --timeout 0.5 "$lock" && code=0
  done
  exec {lock}<&-
  return "$code"
}
