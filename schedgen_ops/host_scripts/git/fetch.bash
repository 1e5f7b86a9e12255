# Fetches everything that the clone follows of a remote, and a name, whether that is followed or not.
#: remote the remote's name
#: ref    the branch, tag or commit
source lib/git_names.bash

ask "$remote" "$ref"
