# Asks for a job until its status is one of those that end it; prints the last answer.
#: url    the job's address
#: within seconds until it is given up
#: most   the greatest answer, in bytes
#: key    the name of its status
#: ends[] the statuses that end it
source lib/fetch.bash

end=$((SECONDS + within))
while :; do
  said=$(fetch GET "$url" 10 "$most")
  for word in "${ends[@]}"; do
    [[ ! $said =~ \""$key"\"[[:space:]]*:[[:space:]]*\""$word"\" ]] || break 2
  done
  [ "$SECONDS" -lt "$end" ] || break
  sleep 0.3
done
printf '%s\n' "$said"
