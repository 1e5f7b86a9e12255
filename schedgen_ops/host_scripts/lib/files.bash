# What every writer of a record, a manifest or another file that names the truth shares. After a power cut there
# is the old file or the new one.

# arrived PATH BYTES: stdin is in PATH, if so many bytes came, else nothing is.
arrived() {
  cat > "$1" && [ "$(wc -c < "$1")" -eq "$2" ] && return
  echo "not all of the $2 bytes for ${1%.part} could be written: nothing was replaced" >&2
  [ ! -f "$1" ] || rm -f -- "$1"
  return 1
}

# lasting FOLDER...: the names in it are on the disk. Some file systems know no sync of a folder alone.
lasting() { sync -- "$@" 2> /dev/null || sync -f -- "$@"; }

folder_of() {
  folder=${1%/*}
  [ "$folder" != "$1" ] || folder=.
  folder=${folder:-/}
}

# durable FROM TO: FROM, a file or a folder written beside TO, becomes TO.
durable() {
  local folder
  folder_of "$2"
  sync -- "$1" && mv -fT -- "$1" "$2" && lasting "$folder"
}

# whole PATH BYTES [MODE]: stdin becomes PATH, if so many bytes came; what there was stays until then.
whole() { arrived "$1.part" "$2" && chmod "${3:-600}" -- "$1.part" && durable "$1.part" "$1"; }
