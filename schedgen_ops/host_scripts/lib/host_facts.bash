# What a host tells of itself, a line each: a name, a tab, what was seen.

# A line ends what is told: whatever a file or a program says must not become a line of its own.
tell() {
  local value=${2//[$'\t\r\n']/ }
  printf '%s\t%s\n' "$1" "${value:0:300}"
}

# A daemon that hangs, or never ends what it says, must not keep the rest from being told.
told_by() {
  local name=$1 said
  shift
  if said=$(timeout -k 1 10 "$@" 2>&1 | head -c 1000); then tell "$name" "$said"; else tell "$name-error" "${said:-exit code $?}"; fi
}

release() { sed -n "s/^$1=\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p;T;q" /etc/os-release 2> /dev/null; }
