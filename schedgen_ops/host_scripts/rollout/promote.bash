# Makes a release the one that serves: what a reboot brings back, the record, and what is said to serve change in
# one go.
#: docker[]   the engine's words
#: project    the compose project
#: current    the file that names what serves
#: release    the release's id
#: folder     its folder
#: size       bytes of its record, on stdin; "beside" where it is beside its place already; "" for no record
source lib/alone_on_services.bash
source lib/rollout.bash

case $size in
  '') ;;
  beside) [ -s "$folder/.release.json" ] || exit ;;
  *) arrived "$folder/.release.json" "$size" || exit ;;
esac
printf '%s\n' "$release" > "$current.new" || exit
# What `current` names is on the disk before it is named.
shopt -s nullglob dotglob
sync -- "$current.new" "$folder" "$folder"/* || exit
for service in "${services[@]}"; do
  [ -e "$folder/restart-$service" ] || continue
  find_ids its "$service" --filter "label=schedgen.release=$release" || exit
  [ "${#its[@]}" -eq 0 ] ||
    "${docker[@]}" update --restart "$(cat "$folder/restart-$service")" "${its[@]}" > /dev/null || exit
done
[ -z "$size" ] || mv -fT -- "$folder/.release.json" "$folder/release.json" || exit
mv -fT -- "$current.new" "$current" && lasting "$folder" "${current%/*}"
