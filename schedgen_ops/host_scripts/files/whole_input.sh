# SIZE COMMAND...: the command with SIZE bytes of stdin, begun when all are there. In a container: a client of Docker
# that is killed looks like the end of the input.
# shellcheck shell=sh
size=$1
shift
# The full stop keeps newlines at the end, which $() takes off.
all=$(cat && echo .)
if [ "$(printf %s "$all" | wc -c)" -ne $((size + 1)) ]; then
  echo "its input did not arrive whole: nothing was run" >&2
  exit 74
fi
printf %s "$all" 2> /dev/null | head -c "$size" | "$@"
