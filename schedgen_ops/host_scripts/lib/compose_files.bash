# find_files: where no compose file is named, files[] are those that Compose itself would take in the current folder.
find_files() {
  [ "${#files[@]}" -eq 0 ] || return 0
  first_of compose.yaml compose.yml docker-compose.yml docker-compose.yaml
  first_of compose.override.yml compose.override.yaml docker-compose.override.yml
}
first_of() {
  local file
  for file; do
    [ ! -e "$file" ] || {
      files+=("$file")
      return
    }
  done
}
