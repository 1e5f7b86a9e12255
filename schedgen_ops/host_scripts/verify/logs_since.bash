# What came into the logs since the deploy, and the patterns that earlier releases logged.
#: docker[] the engine's words
#: state    our folder of state
#: filter   the project's label, as `docker ps --filter` takes it
#: window   seconds to look back where nothing was deployed
source lib/release_logs.bash

current='' since=''
[ ! -r "$state/current" ] || read -r current < "$state/current"
[ -z "$current" ] || since=$(begun "$current")
[ -n "$since" ] || since=$(($(date +%s) - window))
printf 'since\t%s\t%s\n' "$since" "$(($(date +%s) - since))"
for file in "$state"/releases/*/log-patterns; do
  [ -r "$file" ] && [ "$file" != "$state/releases/$current/log-patterns" ] || continue
  echo earlier
  while IFS= read -r line; do printf 'known\t%s\n' "$line"; done < "$file"
done
collect "$since"
