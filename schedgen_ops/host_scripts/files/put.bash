# Writes a file, complete or not at all. Its bytes are on stdin.
#: path the file
#: mode its permissions, in octal
#: size how many bytes it has
source lib/files.bash

umask 077
whole "$path" "$size" "$mode"
