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

# tell_missing PROGRAM...: those that are not there.
tell_missing() {
  local tool missing=''
  for tool; do
    command -v "$tool" > /dev/null 2>&1 || missing+=" $tool"
  done
  tell missing "${missing# }"
}

# tell_engine WORD...: the versions of the engine, asked by these words, and of its Compose plugin.
tell_engine() {
  if command -v docker > /dev/null 2>&1; then
    told_by engine "$@" version --format '{{.Server.Version}}'
    told_by compose "$@" compose version --short
  else
    tell engine-error none
  fi
}

# tell_free FOLDER: the KiB that are free there. What is not there yet will be where its nearest folder is.
tell_free() {
  local there=$1
  while [ ! -d "$there" ] && [ "$there" != / ]; do there=$(dirname -- "$there"); done
  tell free "$(df -Pk -- "$there" | awk 'NR == 2 { print $4 }')"
}
