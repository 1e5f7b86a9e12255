# Has files of a stack say how many containers their services are to have; one that says no number goes on saying none.
#: folder     where the files are, NAME.json each
#: services[] their names
#: counts[]   for each how many
source lib/files.bash

umask 077
for at in "${!services[@]}"; do
  file=$folder/${services[at]}.json
  sed "s/^    \"replicas\": [0-9]*/    \"replicas\": ${counts[at]}/" "$file" > "$file.part" && durable "$file.part" "$file" || exit
done
