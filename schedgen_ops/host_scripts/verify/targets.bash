# What Prometheus scrapes, and whether it can. It is asked again while a target is not up, for as long as one that
# was just replaced may need to be seen.
#: url      the address of Prometheus
#: most     the greatest answer, in bytes
#: patience seconds
source lib/fetch.bash

end=$((SECONDS + patience))
while :; do
  said=$(fetch GET "$url/api/v1/targets?state=active" 10 "$most")
  case $said in *'"health":"down"'* | *'"health":"unknown"'* | *'"activeTargets":[]'*) ;; *) break ;; esac
  [ "$SECONDS" -lt "$end" ] || break
  sleep 1
done
printf '%s\n' "$said"
