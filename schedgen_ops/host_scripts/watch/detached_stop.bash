# Ends the watch that goes on by itself. Prints `none` where none does.
#: state our folder of state
source lib/detached.bash

dir=$state/watch
if alive; then end_watch; else echo none; fi
