# Prints a file; nothing where it is not there.
#: path the file
[ ! -e "$path" ] || cat -- "$path"
