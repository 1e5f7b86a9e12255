# The rows of the database as they are now.
source lib/data_location.bash

db_count "$name"
