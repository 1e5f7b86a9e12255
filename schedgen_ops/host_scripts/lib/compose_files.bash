source lib/variable_values.bash

# find_files ENV: where no compose file is named, files[] are those that Compose itself would take in the current folder:
# what COMPOSE_FILE is in the env file ENV or in this shell, or what there is of the usual names. compose[] is the caller's.
find_files() {
  [ "${#files[@]}" -eq 0 ] || return 0
  if [ -n "${COMPOSE_FILE-}" ] || grep -qs COMPOSE_FILE "$1"; then files_of_env "$1" || return; fi
  [ "${#files[@]}" -eq 0 ] || return 0
  first_of compose.yaml compose.yml docker-compose.yml docker-compose.yaml
  first_of compose.override.yml compose.override.yaml docker-compose.override.yml docker-compose.override.yaml
}
files_of_env() {
  local said file='' separator=: name
  said=$(variable_values "$1" COMPOSE_FILE COMPOSE_PATH_SEPARATOR) || return
  while IFS= read -r name; do
    case $name in
      '"COMPOSE_FILE": '*) file=${name#*: \"} file=${file%\"} ;;
      '"COMPOSE_PATH_SEPARATOR": "'[!\"]*) separator=${name#*: \"} separator=${separator%\"} ;;
    esac
  done <<< "$said"
  [ -z "$file" ] || IFS=$separator read -ra files <<< "$file"
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
