# Copies a folder but for its manifest, and reads it back: `checking`, then lines `size BYTES NAME` and `sha256
# DIGEST NAME`. The manifest comes last, by another script: where it is, the rest is there and right.
#: again "yes" to copy what seems to be there already too
source lib/rclone.bash

# One request asks first whether the remote lets us in: what a copy says of that misleads, and comes late.
# The code 3 is a folder that is not there yet.
said=$(run lsf "${flags[@]}" --retries 1 --low-level-retries 1 --max-depth 1 "offsite:$path" 2>&1 > /dev/null)
code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 3 ] || {
  printf '%s\n' "$said" >&2
  exit "$code"
}
mode=()
[ -z "$again" ] || mode=(--ignore-times)
run copy "${flags[@]}" "${telling[@]}" "${mode[@]}" --exclude manifest.json "$from" "$to" || exit
echo checking
run lsf "${flags[@]}" --files-only --format sp --separator ' ' "$to" | sed 's/^/size /' || exit
# What cannot be read has no sum, and is copied again.
run hashsum SHA256 "${flags[@]}" "${telling[@]}" --download "$to" | sed 's/^/sha256 /' || :
