# A watch that goes on by itself: it looks at the host as an extended verification does, and keeps what it sees in
# `samples` for whoever asks, within bounds. It ends with its rounds. In `figures` is how it stands: the rounds that
# were judged, failed, and are unknown, those that failed in a row, the longest such row, and the rounds that are over.
#: state      our folder of state
#: most       bytes that the samples may take, but for the rounds that are counted alone
#: gap        rounds in a row that a slow host may leave out: of more, nobody saw any
#: within     seconds that the answer of each URL may take, in their order
#: wanted     the status that each has to have, "-" for any good one
#: services[] what has to run
#: consecutive failed rounds in a row that are too many
#: percent    of failed rounds above which they are too many, once there are ten
#: adopts     "yes" where what runs in the first round has to run on, too
source lib/tell.bash
embed watch/round.awk
embed watch/thin.awk

dir=$state/watch checks=0 failures=0 unknown=0 row=0 worst=0 seen=0 lost=0 told=''
declare -A restarted=() started=() killed=() names=()
# What has to run is known once the engine has answered.
adopt() {
  [ "$adopts" = yes ] && grep -q '^containers$' <<< "$1" || return 0
  adopts=no
  mapfile -t -O "${#services[@]}" services < <(awk -F '\t' '$1 == "container" && $6 == "running" { print $4 }' <<< "$1")
}
count() {
  case $1 in
    failed) checks=$((checks + 1)) failures=$((failures + 1)) row=$((row + 1)) ;;
    good) checks=$((checks + 1)) row=0 ;;
    *) unknown=$((unknown + 1)) ;;
  esac
  worst=$((row > worst ? row : worst))
}
# The first that is bad is told to the team.
turned() {
  [ -z "$told" ] || return 0
  told=yes
  tell "$1"
}
# What a report fails by besides failed rounds, of the round $1.
struck() {
  local kind id name status restarts oom since
  while IFS=$'\t' read -r kind id name _ _ status _ restarts oom since _; do
    case $kind in
      container)
        names[$id]=${name#/}
        if [ "${restarted[$id]-$restarts}" != "$restarts" ] ||
          { [ "${started[$id]-$since}" != "$since" ] && [ "$status" = running ]; }; then
          turned "${name#/} was restarted"
        fi
        [ "$oom" != true ] || [ "${killed[$id]-true}" = true ] || turned "${name#/} ran out of memory"
        restarted[$id]=$restarts started[$id]=$since killed[$id]=$oom
        ;;
      oom) turned "${names[$id]-$id} ran out of memory" ;;
    esac
  done <<< "$1"
}
# $1 how many rounds there have to be before their share counts.
exceeded() {
  [ "$row" -lt "$consecutive" ] || turned "$row consecutive checks failed (limit $consecutive)"
  [ "$checks" -lt "$1" ] || awk -v f="$failures" -v n="$checks" -v most="$percent" 'BEGIN { exit !(100 * f > n * most) }' ||
    return 0
  [ "$checks" -lt "$1" ] || turned "$failures of $checks rounds failed (limit $percent %)"
}
# On a full disk a round is lost, and said to be unknown once there is room again. What it was cut off in is a line
# that nobody can read.
store() {
  local before=''
  [ "$lost" -eq 0 ] || printf -v before '\ncounted\t%s\tunknown\t%s\n' "$(($1 - 1))" "$lost"
  if printf '%s%s' "$before" "$2" >> "$dir/samples"; then lost=0; else lost=$((lost + 1)); fi 2> /dev/null
}
size() { stat -c %s "$dir/samples" 2> /dev/null || echo 0; }
thin() {
  awk -v all="$1" "$thin_awk" "$dir/samples" > "$dir/samples.part" 2> /dev/null && mv -f "$dir/samples.part" "$dir/samples"
}
# take NUMBER ROUND END: one round, and its last line.
take() {
  local ruling missing=$(($1 - seen - 1))
  [ "$missing" -le "$gap" ] || unknown=$((unknown + missing)) lost=$((lost + missing))
  seen=$1
  adopt "$2"
  ruling=$(awk -F '\t' -v within="$within" -v wanted="$wanted" -v services="${services[*]}" "$round_awk" <<< "$2")
  count "$ruling"
  exceeded 10
  struck "$2"
  store "$1" "$2judged"$'\t'"$ruling"$'\n'"$3"$'\n'
  { printf '%s\n' "$checks $failures $unknown $row $worst $1" > "$dir/figures.part"; } 2> /dev/null &&
    mv -f "$dir/figures.part" "$dir/figures"
  [ "$(size)" -le "$most" ] || {
    thin 0
    # Where hardly any round is good, half of the others have to do.
    [ "$(size)" -le $((most * 3 / 4)) ] || thin 1
  }
}
keep() {
  local line text='' number
  while IFS= read -r line; do
    case $line in end$'\t'*) ;; *)
      text+=$line$'\n'
      continue
      ;;
    esac
    number=${line#*$'\t'}
    take "${number%%$'\t'*}" "$text" "$line"
    text=''
  done
  exceeded 1
}
finish() {
  trap '' TERM INT
  # No secret stays where nobody tells any more.
  rm -f -- "$dir/webhook"
  kill -TERM -- "-$$" 2> /dev/null
  exit 0
}
# The session that started it ends, and closes what it wrote to.
trap '' HUP PIPE
# Whoever ends it writes down that they did: a host that goes down leaves no word.
trap finish TERM INT
# It is no job of ours: the sampler waits for all of its own.
mkfifo "$dir/pipe" || exit
({
  keep
  : > "$dir/kept"
} < "$dir/pipe" &)
: > "$dir/ready"
exec {plain}>&1 > "$dir/pipe"
source watch/sample.bash
exec >&"$plain"
for ((tries = 0; tries < 100; tries++)); do
  [ ! -e "$dir/kept" ] || break
  sleep 0.1
done
echo 'done' > "$dir/ended"
finish
