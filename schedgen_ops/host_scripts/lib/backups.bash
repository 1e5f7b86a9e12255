# Which folders in the backups' folder are ours.

# written FOLDER ID: the manifest in it is of that backup.
written() { grep -qF "\"id\":\"$2\"" -- "$1/manifest.json" 2> /dev/null; }

# ours FOLDER: it has a backup's exact name and the manifest of that backup in it. So is one with nothing in it,
# or with a manifest of no bytes alone: a backup that was ended as it began, and nothing is lost.
ours() {
  local id=${1##*/}
  id=${id%.part}
  [ -d "$1" ] && [ ! -L "$1" ] && [[ $id =~ ^(pre-deployment|manual|safety)-[0-9]{8}_[0-9]{6}$ ]] || return
  written "$1" "$id" && return
  [ -z "$(find "$1" -mindepth 1 '(' ! -path "$1/manifest.json" -o -size +0 ')' | head -n 1)" ]
}

# The manifest goes last: what is left of a removal that was ended is still ours.
discard() {
  find "$1" -mindepth 1 -maxdepth 1 ! -name manifest.json -exec rm -rf -- {} + && rm -rf -- "$1"
}
