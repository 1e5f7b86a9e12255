# Prints all that the first host notes of visitors that are turned away, and on a last line since when, in seconds since the
# epoch; nothing where they are let in.
#: path the note
[ ! -e "$path" ] || { cat -- "$path" && stat -c %Y -- "$path"; }
