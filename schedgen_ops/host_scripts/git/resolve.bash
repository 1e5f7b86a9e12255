# Tells the commit that a fetched name means, or `missing`, or `ambiguous`.
#: remote the remote's name
#: ref    the branch, tag or commit
source lib/git_names.bash

resolve "$remote" "$ref"
