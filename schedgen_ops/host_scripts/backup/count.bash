# The rows of the database as they are now.
source lib/data_location.bash
embed backup/count.sql

psql -d "$name" <<< "$count_sql"
