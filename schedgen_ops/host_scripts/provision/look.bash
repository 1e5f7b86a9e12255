# Tells what a host lacks before its project can be set up, a line each: a name, a tab, what was seen. It changes nothing.
#: account   who deploys, "" for whoever is logged in
#: directory the project's
#: env_file  the file with the credentials, in it or absolute
#: files[]   the compose files, in it or absolute; none for those that Compose looks for
#: tools[]   the programs that have to be there
source lib/host_facts.bash

as_root=()
tell user "$(id -un)"
tell uid "$(id -u)"
if [ "$(id -u)" = 0 ]; then
  tell root yes
elif timeout -k 1 5 sudo -n true < /dev/null > /dev/null 2>&1; then
  tell root yes
  as_root=(sudo -n)
else
  tell root no
fi
tell os "$(release ID)"
tell codename "$(release VERSION_CODENAME)"

tell_missing "${tools[@]}"
# Whoever may ask it comes later: here only whether it is there and runs.
tell_engine "${as_root[@]}" docker

who=${account:-$(id -un)}
tell account "$who"
if id -u -- "$who" > /dev/null 2>&1; then
  tell groups "$(id -nG -- "$who")"
  tell account-uid "$(id -u -- "$who")"
else
  tell groups none
fi
if [ -s ~/.ssh/authorized_keys ]; then tell keys ~/.ssh/authorized_keys; else tell keys ""; fi

seen=("${as_root[@]}" timeout -k 1 10)
if ! "${seen[@]}" test -e "$directory"; then
  tell directory missing
elif ! "${seen[@]}" test -d "$directory"; then
  tell directory "no folder"
else
  tell owner "$("${seen[@]}" stat -Lc %U -- "$directory")"
  if "${seen[@]}" test -e "$directory/.git"; then
    tell directory clone
  elif inside=$("${seen[@]}" find "$directory/" -mindepth 1 -maxdepth 1 -print -quit) && [ -z "$inside" ]; then
    tell directory empty
  # What an earlier set-up that was cut off left is ours to go on with.
  elif "${seen[@]}" test -d "$directory/.schedgen-clone" || "${seen[@]}" test -d "$directory/.schedgen-cloned"; then
    tell directory begun
  else
    tell directory taken
  fi
  # Releases that are images need no clone: their project is there where its compose file is.
  [ "${#files[@]}" -gt 0 ] || files=(compose.yaml compose.yml docker-compose.yml docker-compose.yaml)
  for file in "${files[@]}"; do
    case $file in /*) ;; *) file=$directory/$file ;; esac
    ! "${seen[@]}" test -e "$file" || tell compose-file there
  done
  case $env_file in /*) file=$env_file ;; *) file=$directory/$env_file ;; esac
  if "${seen[@]}" test -e "$file"; then tell env there; else tell env missing; fi
fi

tell_free "$directory"
tell end 1
