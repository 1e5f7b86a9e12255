# Tells what could keep git from moving the work tree, a line each: locks that are left, who is at work, what may
# not be written, a hook, and why git cannot write its index. Moves nothing.
top=$(git rev-parse --show-toplevel) && dir=$(git rev-parse --absolute-git-dir) || exit
common=$(cd -- "$(git rev-parse --git-common-dir)" && pwd) || exit
shopt -s globstar nullglob
session() {
  local stat
  # shellcheck disable=SC2086 # its fields are words
  { read -r stat < "/proc/$1/stat"; } 2> /dev/null && stat=${stat##*) } && set -- $stat && echo "$4"
}
# What belongs to this very look is none: same session.
ours=$(session $$)
running() {
  local process name where words
  for process in /proc/[0-9]*; do
    name=
    { read -r name < "$process/comm"; } 2> /dev/null
    case $name in git | git-*) ;; *) continue ;; esac
    where=$(readlink -- "$process/cwd") || continue
    case $where/ in "$top"/* | "$dir"/* | "$common"/*) ;; *) continue ;; esac
    words=$(tr '\0\n' '  ' 2> /dev/null < "$process/cmdline")
    [ "$(session "${process#/proc/}")" = "$ours" ] || echo "runs ${process#/proc/} ${words% }"
  done
}
locks() {
  local file changed
  for file in "$dir"/*.lock "$common"/*.lock "$dir"/refs/**/*.lock "$common"/refs/**/*.lock \
    "$common"/modules/**/index.lock "$common"/modules/**/HEAD.lock "$common"/modules/**/config.lock; do
    changed=$(stat -c %Y -- "$file" 2> /dev/null) && echo "lock $(($(date +%s) - changed)) $file"
  done | sort -u
}
# A young lock whose git is still at work is waited for.
until=$((SECONDS + 4))
while :; do
  left=$(locks) busy=
  [ -z "$left" ] || busy=$(running)
  [ -n "$busy" ] && [[ $left == "lock "[0-9]" "* ]] && [ "$SECONDS" -lt "$until" ] || break
  sleep 0.2
done
[ -z "$left" ] || printf '%s\n' "$left"
[ -z "$busy" ] || printf '%s\n' "$busy"
for path in "$top" "$dir" "$common"; do [ -w "$path" ] || echo "closed $path"; done
while IFS= read -rd '' path; do
  [ ! -d "$top/$path" ] || [ -w "$top/$path" ] || echo "shut $path"
done < <(git ls-tree -rd --full-tree --name-only -z HEAD)
hook=$(git rev-parse --git-path hooks/post-checkout)
[ ! -x "$hook" ] || echo "hook $hook"
[ -n "$left" ] || said=$(git update-index -q --refresh 2>&1) || [ -z "$said" ] || printf 'said %s\n' "$said"
exit 0
