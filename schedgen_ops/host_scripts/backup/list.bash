# A line for each folder that could be a backup of ours: its name, a space, its manifest.
#: folder the backups'

cd -- "$folder" 2> /dev/null || exit 0
for each in *-[0-9]*_[0-9]*/; do
  each=${each%/}
  case $each in '*'*) continue ;; esac
  printf '%s %s\n' "$each" "$(tr -d '\n\0' < "$each/manifest.json" 2> /dev/null)"
done
