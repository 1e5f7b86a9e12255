# What the database server says of a restore, as its engine reads it.
source lib/data_location.bash

db_server || fail "the database server does not answer"
