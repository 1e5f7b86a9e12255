# Runs another script alone on services: one at a time works on each. One that was left alone, by Ctrl-C, a lost
# connection or the end of our patience, still ends what it began: it is in a session of its own, and what is
# ended is who listens to it.
#: state      our folder of state
#: services[] what it works on
#: body       the other script's text, its values with it
umask 077
for service in "${services[@]}"; do
  exec {fd}>> "$state/roll-$service.lock"
  flock --timeout 3600 "$fd" || {
    echo "another script still works on $service" >&2
    exit 1
  }
done
setsid bash -o pipefail -c "$body" schedgen-roll <&0 &
wait "$!"
