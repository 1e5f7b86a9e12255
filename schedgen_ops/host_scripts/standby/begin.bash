# Containers that stand by do so from now on, for so many seconds at most: a program that stays here ends that.
#: docker[] the engine's words
#: project  the compose project
#: state    our folder of state
#: release  the release that they are of
#: newer    the one that replaced it
#: seconds  for how long
source lib/files.bash
embed standby/later.bash

mkdir -p "$state/standby" || exit
line="$release $newer $((EPOCHSECONDS + seconds))"
printf '%s\n' "$line" > "$state/standby/.release" && durable "$state/standby/.release" "$state/standby/release" || exit
setsid bash -o pipefail -c "$later_bash" schedgen-standby "$seconds" "$line" "$project" "$state" "${docker[@]}" \
  < /dev/null > /dev/null 2>&1 &
