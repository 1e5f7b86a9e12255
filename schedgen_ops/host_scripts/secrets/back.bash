# Puts the env file back that releases found, the last one first. One that somebody edited since stays as it is.
#: releases[] their folders
source lib/env_file.bash

for release in "${releases[@]}"; do
  cmp -s -- "$release/env" "$file" 2> /dev/null || continue
  if [ -e "$release/env.before" ]; then
    keep "$release/env.before" "$file" || exit
  elif [ -e "$release/env.none" ]; then
    rm -f -- "$file" || exit
  else continue; fi
  if [ -e "$release/env.last" ]; then keep "$release/env.last" "$delivered"; else rm -f -- "$delivered"; fi || exit
done
