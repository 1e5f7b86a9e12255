# Why a script gives up, told on stderr for us.

say() { echo "reason: $1" >&2; }
fail() {
  say "$1"
  exit 1
}
