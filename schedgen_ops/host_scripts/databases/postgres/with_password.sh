# The password is in the container already and goes from variable to variable.
# shellcheck shell=sh
export PGPASSWORD="${POSTGRES_PASSWORD-}"
exec "$@"
