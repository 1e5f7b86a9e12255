# Makes the env file of an earlier release the project's, for the release that goes back to it.
#: release the folder of the release that is begun
#: source  the folder of the release that it goes back to; without a file of its own, nothing changes
source lib/env_file.bash

[ -e "$source/env" ] || exit 0
mkdir -p -- "$release" && found_before "$release" && keep "$source/env" "$release/env" && put_env "$release/env"
