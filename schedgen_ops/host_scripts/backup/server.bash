# What the database server says of a restore, as one JSON object.
source lib/data_location.bash
embed backup/server.sql

psql -d template1 <<< "$server_sql" || fail "the database server does not answer"
