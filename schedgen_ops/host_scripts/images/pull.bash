# Pulls images as who is signed in to their registry.
#: images[] their names
source lib/registry.bash

sign_in || exit
for image in "${images[@]}"; do
  # In the background, so that a signal is heeded while it runs.
  "${signed[@]}" pull "$image" &
  wait "$!" || exit
done
