# A line for each backup on the remote whose name begins like this: its name, a space, its manifest. Without any, the
# names that there are, after `copy`.
#: wanted what its name begins with
source lib/rclone.bash

# A folder that is not there, which is the code 3, has none.
copies=$(run lsf "${flags[@]}" --retries 1 --low-level-retries 1 --dirs-only "$to") || {
  code=$?
  [ "$code" -eq 3 ] || exit "$code"
}
found=''
while IFS= read -r each; do
  each=${each%/}
  [[ -n $each && $each = "$wanted"* ]] || continue
  manifest=$(run cat "${flags[@]}" "$to/$each/manifest.json" | tr -d '\n\0')
  printf '%s %s\n' "$each" "$manifest"
  found=yes
done <<< "$copies"
[ -n "$found" ] || sed -n 's|^\(.\{1,\}\)/$|copy \1|p' <<< "$copies"
