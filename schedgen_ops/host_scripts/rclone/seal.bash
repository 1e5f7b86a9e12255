# Copies the manifest, and fails where it does not read back the same.
source lib/rclone.bash

run copyto "${flags[@]}" --ignore-times "$from/manifest.json" "$to/manifest.json" || exit
run cat "${flags[@]}" "$to/manifest.json" | cmp - "$folder/manifest.json"
