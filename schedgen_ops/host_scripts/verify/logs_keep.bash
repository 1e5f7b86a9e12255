# What a release's containers, and those that it left alone, ever logged is kept beside its record: the next one
# is held against it. A service whose log could not be read stands behind an empty field.
#: docker[] the engine's words
#: state    our folder of state
#: project  the compose project
#: release  its id
source lib/listed.bash
source lib/release_logs.bash

folder=$state/releases/$release
[ -d "$folder" ] || exit 0
umask 077
list_containers "$project" "${docker[@]}"
collect 0 | sed -n -e 's/^unread\t\([^\t]*\)\t.*/\t\1/p' \
  -e 's/^log\t\([^\t]*\)\t[^\t]*\t\([^\t]*\)\t.*/\1\t\2/p' |
  sort -u | head -n 2000 > "$folder/log-patterns.part" &&
  mv -f "$folder/log-patterns.part" "$folder/log-patterns"
