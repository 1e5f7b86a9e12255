# Waits until no script works on a service any more.
#: state    our folder of state
#: service  its name
#: timeout  for so many seconds at most
exec 9>> "$state/roll-$service.lock" && flock --timeout "$timeout" 9
