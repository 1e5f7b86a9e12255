# Notes containers as stopped for a while, and stops them.
#: docker[]     the engine's words
#: record       the file that says which are stopped, and for what
#: containers[] their ids
source lib/stopped.bash

umask 077
note_stopped "$record" "${containers[@]}" || {
  echo "what is to be stopped could not be noted" >&2
  exit 1
}
exec "${docker[@]}" stop "${containers[@]}" > /dev/null
