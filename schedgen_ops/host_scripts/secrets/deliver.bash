# Makes what comes on stdin the project's env file. For a release, that and what was there stay in its folder.
#: size    the bytes of the file
#: release the folder of the release that is begun, "" for none
#: serving the folder of the release that serves, "" for none
source lib/env_file.bash

mkdir -p -- "$state" || exit
new=$state/env.new
whole "$new" "$size" || exit
if [ -n "$release" ]; then
  mkdir -p -- "$release" && found_before "$release" || exit
  # The release that serves was resolved with what is there, if that was no delivery of its own.
  if [ -n "$serving" ] && [ -d "$serving" ] && [ ! -e "$serving/env" ] && [ -e "$file" ]; then
    keep "$file" "$serving/env" || exit
  fi
  keep "$new" "$release/env" || exit
fi
put_env "$new" && rm -f -- "$new"
