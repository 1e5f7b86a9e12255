# Replaces the manifest of a backup that is there by the one on stdin.
#: folder the backup's
#: bytes  of the manifest
source lib/files.bash

umask 077
whole "$folder/manifest.json" "$bytes"
