# Tells what `current` says: "" where it is not there or names nothing on purpose, / where it is empty. Then a
# line for each record: its folder's name and its text, which ends at the first NUL byte.
#: state the folder of our state
current=''
if [ -e "$state/current" ]; then
  IFS= read -r -d '' current < "$state/current"
  case $current in $'\n') ;; '' | $'\n'*) current=/ ;; esac
fi
printf '%s\n' "${current%%$'\n'*}"
for record in "$state"/releases/*/release.json; do
  [ -e "$record" ] || continue
  folder=${record%/*} text=''
  IFS= read -r -d '' text < "$record"
  folder=${folder##*/}
  printf '%s %s\n' "${folder//[[:space:]]/?}" "${text//$'\n'/ }"
done
