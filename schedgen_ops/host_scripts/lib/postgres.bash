# PostgreSQL by the programs in its own container: `docker` has the engine's words, `db` is the container, `user`
# who asks there, and `variables` are options of psql.
source lib/reason.bash
source lib/psql_variables.bash
embed lib/with_password.sh

# inside PROGRAM...: it runs in the container, with the password that is known there.
inside() { "${docker[@]}" exec -i "$db" sh -c "$with_password_sh" sh "$@"; }

# psql WORD...: bare rows of what is asked on stdin; it ends with the first error.
psql() { inside psql -XqAtw -v ON_ERROR_STOP=1 "${variables[@]}" -U "$user" "$@"; }
