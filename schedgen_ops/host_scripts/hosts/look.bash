# Tells what a host is and has, a line each: a name, a tab, what was seen. It changes nothing.
#: docker[]  the engine's words
#: directory the project's
#: env_file  the file with the credentials, in it or absolute
#: tools[]   the programs that have to be there
source lib/host_facts.bash

tell user "$(id -un)"
tell uid "$(id -u)"
tell groups "$(id -nG)"
if [ "$(id -u)" = 0 ] || timeout -k 1 5 sudo -n true < /dev/null > /dev/null 2>&1; then tell sudo yes; else tell sudo no; fi
tell os "$(release ID)"
tell os-name "$(release PRETTY_NAME)"
tell machine "$(uname -m)"
tell clock "$(date -u +%s)"

tell_missing "${tools[@]}"
tell_engine "${docker[@]}"

if [ ! -d "$directory" ]; then
  if [ -e "$directory" ]; then tell directory "no folder"; else tell directory missing; fi
elif [ ! -x "$directory" ] || [ ! -w "$directory" ]; then
  tell directory closed
elif ! cd -- "$directory"; then
  tell directory closed
else
  tell directory there
  told_by clone git rev-parse --show-toplevel
  case $env_file in /*) file=$env_file ;; *) file=./$env_file ;; esac
  if [ ! -e "$file" ]; then
    tell env missing
  elif [ ! -f "$file" ] || [ ! -r "$file" ]; then
    tell env unreadable
  else
    tell env "$(stat -Lc %a -- "$file")"
  fi
fi

tell_free "$directory"
tell end 1
