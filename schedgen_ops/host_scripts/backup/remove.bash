# Removes backups. They are renamed first: half of a backup must not look like one, should this be ended in the
# middle.
#: folder  the backups'
#: names[] of those that go
source lib/backups.bash

cd -- "$folder" || exit
for name in "${names[@]}"; do
  [ -d "$name" ] && [ ! -L "$name" ] || continue
  ours "./$name" || {
    echo "reason: $name holds no manifest of ours, and stays" >&2
    exit 1
  }
  case $name in
    *.part) ;;
    *)
      [ ! -e "$name.part" ] || { ours "./$name.part" && discard "./$name.part"; } || exit
      mv -T -- "./$name" "./$name.part" || exit
      name=$name.part
      ;;
  esac
  discard "./$name" || exit
done
