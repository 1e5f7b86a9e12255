# Where the data of a host is, for every script that works on it. An empty `db` or `store` is a part that is left
# alone.
#: docker[] the engine's words
#: db       the database's container
#: user     who asks there
#: name     the database
#: new      what a restored one is called until it takes its place
#: before   what the old one is called from then on
#: mark     the mark of this restore on both
#: store    the container of the objects
#: image    its image
#: path     where the objects are in it
#: stamp    the restore's time, YYYYMMDD_HHMMSS in UTC
source lib/reason.bash
source lib/database.bash
source lib/objects.bash
