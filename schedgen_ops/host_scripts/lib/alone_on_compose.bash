# One script at a time stops, starts or removes what Compose runs of a project that is moved.
#: record the file where it is noted what was stopped
source lib/alone.bash

umask 077
alone 600 schedgen-move "${record%/*}/lock" || {
  echo 'another script still works on what Compose runs' >&2
  exit 1
}
