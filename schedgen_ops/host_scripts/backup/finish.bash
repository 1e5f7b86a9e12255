# Gives a checked backup its manifest, which is on stdin, and its name.
#: folder the backup's, to be
#: bytes  of the manifest
source lib/files.bash

umask 077
whole "$folder.part/manifest.json" "$bytes" && [ ! -e "$folder" ] && durable "$folder.part" "$folder"
