# A database, by what every engine can do. Nothing outside databases/ knows how one works: a script sources this,
# and its `engine` is the name of a file there that has the functions below. They find in these variables, set
# before they are called:
#
#   docker[] the words of Docker           new    what a restored database is called until it serves
#   db       the database's container      before what the old one is called from then on
#   user     who asks there                mark   the mark of this restore on both
#   name     the database
#
# A database is a restore's if it bears a mark: one with such a name and without it is an owner's, and left alone.
# What fails says why on stderr and returns a code, or ends the script by `fail` where that says more.
#
# A dump has one of two formats: `plain` is text, statements that make what is in it; `custom` is the engine's own.
#   db_complete FORMAT     reads a dump on stdin: whether it came to its end. Without a container
#
# For a backup, in this order; the descriptors 7 and 8, and pipes in the working directory, are the engine's own:
#   db_open TABLE          begins to see the database as it is now, until `db_close`. TABLE lists the applied
#                          migrations; "" for none
#   db_dump FORMAT         writes a dump of what is seen on stdout; while it runs, the next is not called
#   db_facts               prints what is seen, a line each, and `counted` at the end:
#                            server VERSION, size BYTES, rows ["TABLE",COUNT], migration "NAME", `unlisted` where
#                            TABLE is no list of migrations that is known, role "NAME" that a dump may speak of,
#                            large COUNT of large objects, properties {...}, which only the engine reads again
#   db_close               ends that
#
# For a restore and a drill:
#   db_read_told           reads on stdin what the backup says of its database, as the engine's `told` writes it
#   db_make                makes the database `new` empty and marked, as the backup says
#   db_load FORMAT         reads a dump on stdin into it
#   db_count DATABASE      prints `rows` and `large` as above, and `counted`
#   db_query DATABASE SQL  prints the rows of one statement
#   db_finish              makes it ready to serve: what would have been in the way of the dump
#   db_throwaway LABEL     for a drill: starts a server of its own in a container with the label
#                          schedgen.drill=LABEL, without a network, from `image`. Sets `db` as soon as there is a
#                          container: whoever calls removes it. `scratch` is a file that nobody else may read, gone
#                          at the end
#   db_await               waits until that server answers, and has no database `new`
#
# For what restores leave, where STEM is how such a name begins, and a stamp, YYYYMMDD_HHMMSS, how it ends:
#   db_ours STEM           prints the names of marked databases
#   db_there DATABASE      prints 1 where there is one of that name, marked or not, else 0
#   db_drop DATABASE       removes one for good
#   db_superseded STEM     prints `database NAME BYTES` of marked ones, `unmarked NAME` of what only looks so
#   db_rename FROM TO ASIDE  FROM is called TO, and what was called so ASIDE, or nothing is; where there is no FROM
#                          that was done, or never begun. Nobody is connected to either meanwhile
#   db_server              prints what the engine's `refusals` and `followers` read of the server
#   db_end_followers       ends what still follows `before`, and prints `ended NAME` of each
# shellcheck source=databases/postgres.bash
source "databases/$engine.bash"

# format_of FILE: plain or custom, the format of a dump.
format_of() { case ${1##*/} in database.dump*) echo custom ;; *) echo plain ;; esac }
