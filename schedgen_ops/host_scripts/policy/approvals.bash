# A line of JSON for each approval that was left on the host.
#: state the folder of our state
for each in "$state"/approvals/*/*.json; do
  [ -f "$each" ] || continue
  text=''
  IFS= read -r -d '' -n 4096 text < "$each"
  printf '%s\n' "${text//$'\n'/ }"
done
