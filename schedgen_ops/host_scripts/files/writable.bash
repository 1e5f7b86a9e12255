# Fails unless files can be made in a folder. One that does not exist yet is writable when its nearest parent is.
#: path the folder
until [ -e "$path" ]; do path=$(dirname -- "$path"); done
[ -d "$path" ] && [ -w "$path" ] && [ -x "$path" ]
