# Removes what restores made or put aside, for good. What is gone already is no failure; what has no mark of ours
# is, and stays.
#: stems[] how the names of databases begin, new ones and old
#: names[] of databases and folders that go
source lib/data_location.bash

known_ours() {
  local stem
  for stem in "${stems[@]}"; do db_ours "$stem" || return; done
}
for each in "${names[@]}"; do
  case $each in
    .schedgen-*) objects_discard "$each" || fail "$each could not be removed" ;;
    *)
      found=$(known_ours) || fail "the database server does not answer"
      if grep -qxF -e "$each" <<< "$found"; then
        db_drop "$each" || fail "the database $each could not be dropped"
      else
        [ "$(db_there "$each")" = 0 ] || fail "the database $each has no mark of a restore, and stays"
      fi
      ;;
  esac
done
