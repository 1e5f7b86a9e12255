# What stands by goes.
#: docker[] the engine's words
#: project  the compose project
#: state    our folder of state
source lib/standby.bash

[ -d "$state/standby" ] || exit 0
standby_alone && end_standby
