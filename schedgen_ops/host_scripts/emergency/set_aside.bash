# Archives the volumes of a container that does not start, reads the archives again, and only then empties the
# volumes, so that it starts anew. Prints `file NAME BYTES SHA256` of each archive.
#: docker[]  the engine's words
#: folder    where the archives go, to be
#: container whose volumes these are
#: image     the container's, which has a shell
source lib/reason.bash
source lib/backup_files.bash

"${docker[@]}" stop "$container" > /dev/null || fail "the container could not be stopped"
umask 077
{ mkdir -p -- "$folder" && cd -- "$folder"; } || fail "$folder cannot be written"
mapfile -t volumes < <("${docker[@]}" inspect --format \
  '{{range .Mounts}}{{if eq .Type "volume"}}{{println .Destination}}{{end}}{{end}}' "$container" | grep /)
[ ${#volumes[@]} -gt 0 ] || fail "the container has no volume"
for number in "${!volumes[@]}"; do
  at=${volumes[number]} file=files-$number.tar.gz
  { "${docker[@]}" cp "$container:$at/." - | packer gzip > "$file" && archived "$file" > /dev/null; } ||
    fail "$at cannot be archived"
  sum=$(sha256sum < "$file") && echo "file $file $(wc -c < "$file") ${sum%% *}"
done
sync -f . 2> /dev/null || sync
# shellcheck disable=SC2016 # the container's shell reads it
empty='find "$1" -mindepth 1 -delete 2>/dev/null || rm -rf -- "$1"/* "$1"/.[!.]* "$1"/..?*'
for at in "${volumes[@]}"; do
  "${docker[@]}" run --rm --network none --volumes-from "$container" --user 0:0 --entrypoint sh "$image" \
    -c "$empty" sh "$at" || fail "$at could not be emptied"
done
