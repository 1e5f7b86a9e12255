# The env file of the project, and what is kept of it: `env.delivered` below .schedgen is the file as it was put
# last, so that an edit by hand is seen; a release's folder has `env`, its own, and what was found when it was
# begun: `env.before`, or `env.none` where there was no file, and `env.last`, the one delivered before.
#: file  the env file
#: state the folder of our state
source lib/files.bash

umask 077
delivered=$state/env.delivered
# A link stays one: what it leads to is written.
[ ! -L "$file" ] || file=$(readlink -f -- "$file") || exit

# keep FROM TO: TO is what FROM is, for its owner alone.
keep() {
  local folder part=$2.part
  folder_of "$2"
  # What a kill leaves behind has all secrets in it: nobody may find it in the work tree, and commit it.
  [ "$(stat -c %d -- "$state")" != "$(stat -c %d -- "$folder")" ] || part=$state/env.part
  cp -- "$1" "$part" && chmod 600 -- "$part" && durable "$part" "$2" && return
  rm -f -- "$part"
  return 1
}

# put_env NEW: the file is what NEW is, and that is what was delivered last.
put_env() { keep "$1" "$file" && keep "$1" "$delivered"; }

# found_before RELEASE: its folder has what was there before it; only the first time counts.
found_before() {
  [ -e "$1/env.before" ] || [ -e "$1/env.none" ] || {
    if [ -e "$file" ]; then
      { [ ! -e "$delivered" ] || keep "$delivered" "$1/env.last"; } && keep "$file" "$1/env.before"
    else
      : > "$1/env.none"
    fi
  }
}
