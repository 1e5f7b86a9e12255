#!/bin/sh
# Creates the cluster on first start from POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB, then runs
# the server as the user postgres. Sockets inside the container are trusted, the network needs a password.
set -eu

if [ "${1#-}" != "$1" ]; then set -- postgres "$@"; fi
if [ "$1" != postgres ]; then exec "$@"; fi

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown postgres:postgres "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups sh "$0" "$@"
fi

create_cluster() {
    user="${POSTGRES_USER:-postgres}"
    database="${POSTGRES_DB:-$user}"
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo "POSTGRES_PASSWORD is not set: refusing to create a cluster without one" >&2
        exit 1
    fi
    # PG_VERSION is moved into place last: it is what says that the cluster is whole.
    touch "$PGDATA/.creating"
    new="$PGDATA/.new"
    printf '%s\n' "$POSTGRES_PASSWORD" > "$PGDATA/.password"
    initdb -D "$new" -U "$user" --pwfile="$PGDATA/.password" --encoding=UTF8 --locale=C.UTF-8 \
        --auth-local=trust --auth-host=scram-sha-256 --no-sync
    rm -f "$PGDATA/.password"
    echo "host all all all scram-sha-256" >> "$new/pg_hba.conf"
    pg_ctl -D "$new" -w -s -o "-c listen_addresses=" start
    if [ "$database" != postgres ]; then createdb -U "$user" "$database"; fi
    pg_ctl -D "$new" -w -s -m fast stop
    mv "$new/PG_VERSION" "$PGDATA/.version"
    mv "$new"/* "$PGDATA"/
    rmdir "$new"
    sync
    mv "$PGDATA/.version" "$PGDATA/PG_VERSION"
    rm "$PGDATA/.creating"
    echo "cluster created: database $database, owner $user"
}

# What an interrupted creation left is cleared away; anything else without a PG_VERSION is not ours to touch.
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    if [ -e "$PGDATA/.creating" ]; then
        find "$PGDATA" -mindepth 1 -maxdepth 1 ! -name .creating -exec rm -rf {} +
    elif [ -n "$(ls -A "$PGDATA")" ]; then
        echo "$PGDATA holds files but no cluster: refusing to start" >&2
        exit 1
    fi
    create_cluster
fi
exec "$@" -c listen_addresses='*' -c jit=off
