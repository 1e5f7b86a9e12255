# The objects, by what every kind of store can do. Nothing outside objects/ knows how one works: a script sources
# this, and its `kind` is the name of a file there that has the functions below. They find in these variables, set
# before they are called:
#
#   docker[] the engine's words       path  where the objects are in it
#   store    the objects' container   stamp the restore's time, YYYYMMDD_HHMMSS in UTC
#   image    its image
#
# What a restore makes beside the objects is known by its stamp, `new` before it serves and `before` once it does
# not any more. Its name begins with `.schedgen-new-` or `.schedgen-before-` and ends with the stamp, and it bears a
# mark of ours: what only has such a name is an owner's, and left alone. Each function may be called again after it
# was interrupted; what fails says why on stderr and returns a code.
#
#   objects_archive         writes the objects as a tar on stdout, without what restores put beside them
#   objects_begin           makes room for the new ones, and removes what earlier restores left unfinished
#   objects_unfinished      does only the latter, and prints `removed NAME` of each
#   objects_fill            reads a tar on stdin into that room
#   objects_filled          writes what is in that room as a tar on stdout
#   objects_undo            removes the new ones, where there are any
#   objects_forward         puts the new ones in the place of those that serve, which are kept. Their container is
#                           stopped for it, and no file is copied
#   objects_back            undoes that: what served before serves, and the new ones are beside it
#   objects_superseded      prints `objects NAME KIB` of what is kept, and `unmarked NAME` of what only looks so
#   objects_discard NAME    removes what a restore made or kept, for good; what is gone already is no failure
# shellcheck source=objects/volume.bash
source "objects/$kind.bash"
