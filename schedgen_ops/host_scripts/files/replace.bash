# Writes a file for its owner alone, complete or not at all; makes its folder. Its text is on stdin.
#: path the file
#: size the bytes of its text
source lib/files.bash

umask 077
folder_of "$path"
new=''
[ -d "$folder" ] || { mkdir -p -- "$folder" && new=yes; } || exit
whole "$path" "$size" && { [ -z "$new" ] || lasting "$folder/.."; }
