# Brings services of a stack to what files say of them, and waits until each is; says of each how it ended:
# `service NAME well|bad CHANGED TEXT`, where CHANGED is yes or no. A service is well by its own update's word, and
# once as many containers of this definition run as there are to be, and none of another.
#: folder     where the files are, NAME.json each
#: services[] their names
#: limit      seconds until all must be well
#: stay       seconds that what was not there before has to stay up
#: auth       "yes" where the services get the credentials of who is signed in; else they keep those that they have
#: still      seconds without any change, beside its own pauses, after which an update that lost a node stands still
source lib/registry.bash
source lib/swarm.bash
source lib/rolling.bash

files=()
for name in "${services[@]}"; do
  want[$name]=$(defined "$folder/$name.json")
  [ -n "${want[$name]}" ] || {
    echo "$folder/$name.json is no file of a service" >&2
    exit 1
  }
  changed[$name]=yes
  now=$(counted "$name") count=$(replicas "$folder/$name.json")
  [ "$(having "$name")" != "${want[$name]}" ] || { [ -n "$count" ] && [ "$now" != "$count" ]; } || changed[$name]=no
  [ "$now" != 0 ] || [ "${count:-0}" = 0 ] || echo "say $name: it was stopped, and is started"
  files+=(-c "$folder/$name.json")
done
for name in "${services[@]}"; do failed[$name]=$(failures "$name"); done

sign_in || exit
# What an image is was resolved when it was pushed. Credentials stay with the service: a node that gets it later needs them.
given=(--with-registry-auth)
[ "$auth" = yes ] || given=()
led "${signed[@]}" stack deploy --resolve-image never "${given[@]}" "${files[@]}" "$stack" || exit

follow
trap 'unfollow; [ -z "$registry" ] || rm -rf -- "$registry"' EXIT
watched
reported
