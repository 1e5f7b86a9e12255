# Drops the logical replication slots of the old database, which would hold its WAL. Prints `slot NAME` of each.
source lib/data_location.bash
embed backup/end_slots.sql

for _ in 1 2 3 4 5 6 7 8 9 10; do
  psql -d template1 <<< "$end_slots_sql" || fail "the database server does not answer"
  left=$(psql -d template1 <<< "SELECT count(*) FROM pg_replication_slots WHERE database = :'before'")
  [ "$left" != 0 ] || exit 0
  sleep 0.2
done
fail "logical replication slots of $before are still read, and hold its WAL"
