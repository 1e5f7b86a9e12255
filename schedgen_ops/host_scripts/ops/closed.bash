# Prints what a host notes of visitors that are turned away, and on a second line since when, in seconds since the
# epoch; nothing where they are let in.
#: path the note
[ ! -e "$path" ] || { head -n 1 -- "$path" && stat -c %Y -- "$path"; }
