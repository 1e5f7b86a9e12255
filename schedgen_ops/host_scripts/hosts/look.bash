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

missing=
for tool in "${tools[@]}"; do
  command -v "$tool" > /dev/null 2>&1 || missing+=" $tool"
done
tell missing "${missing# }"

if command -v docker > /dev/null 2>&1; then
  told_by engine "${docker[@]}" version --format '{{.Server.Version}}'
  told_by compose "${docker[@]}" compose version --short
else
  tell engine-error none
fi

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

# What is not there yet will be where its nearest folder is.
there=$directory
while [ ! -d "$there" ] && [ "$there" != / ]; do there=$(dirname -- "$there"); done
tell free "$(df -Pk -- "$there" | awk 'NR == 2 { print $4 }')"
tell end 1
