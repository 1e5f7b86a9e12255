# Puts the env file of a backup in place where the project has none; prints `put` then.
#: kept  the backup's copy
#: file  the project's
#: state our folder of state
source lib/env_file.bash

[ -f "$kept" ] && [ ! -e "$file" ] || exit 0
mkdir -p -- "$state" && keep "$kept" "$file" && echo put
