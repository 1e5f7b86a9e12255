# SECONDS LINE PROJECT STATE DOCKER...: ends after so many seconds what stands by, if that is still what LINE says.
# shellcheck disable=SC2034 # `project` and `docker` are read by the library
source lib/standby.bash

trap '' HUP
line=$2 project=$3 state=$4
docker=("${@:5}")
sleep "$1"
standby_alone && [ "$(cat "$state/standby/release" 2> /dev/null)" = "$line" ] && end_standby
