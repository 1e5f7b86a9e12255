# How psql gets a text of any kind: by its stdin, where no list of processes shows it.

# variable NAME TEXT: the line that sets a variable of psql to a text of one line.
# shellcheck disable=SC2001 # bash 5.2 reads backslashes of a replacement otherwise than 5.1
variable() { printf "\\\\set %s '%s'\n" "$1" "$(LC_ALL=C sed "s/[\\\\']/\\\\&/g" <<< "$2")"; }
