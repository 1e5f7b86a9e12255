# Ends what still follows the old database. Prints `ended NAME` of each.
source lib/data_location.bash

db_end_followers
