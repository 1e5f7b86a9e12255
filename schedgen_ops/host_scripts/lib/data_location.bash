# Where the data of a host is, for every script that works on it. An empty `db` or `store` is a part that is left
# alone.
#: docker[] the engine's words
#: db       the database's container
#: user     who asks there
#: name     the database
#: new      what a restored one is called until it takes its place
#: before   what the old one is called from then on
#: mark     the first line of the comment on both
#: store    the container of the objects
#: image    its image
#: path     where the objects are in it
#: stamp    the restore's time, YYYYMMDD_HHMMSS in UTC
source lib/postgres.bash
embed backup/ours.sql
embed backup/drop_subscriptions.sql
embed backup/volume.sh

# shellcheck disable=SC2034 # psql in lib/postgres.bash reads it
variables=(-v name="$name" -v new="$new" -v before="$before" -v mark="$mark")

# our_databases STEM: the databases of restores whose name is STEM and a stamp.
our_databases() { psql -d template1 -v stem="$1" <<< "$ours_sql"; }

# drop DATABASE: what its dump subscribed to ends here alone, whoever publishes is not asked.
drop() {
  psql -d template1 -v each="$1" <<< 'ALTER DATABASE :"each" ALLOW_CONNECTIONS true IS_TEMPLATE false;' &&
    psql -d "$1" <<< "$drop_subscriptions_sql" &&
    psql -d template1 -v each="$1" <<< 'DROP DATABASE :"each" WITH (FORCE);'
}

# helper ACTION [FOLDER]: volume.sh by the store's own image, which has what it needs: the store's volumes, no
# network, and a shell.
helper() {
  "${docker[@]}" run --rm -i --network none --volumes-from "$store" --user 0:0 --env path="$path" \
    --env stamp="$stamp" --entrypoint sh "$image" -c "$volume_sh" sh "$@"
}
