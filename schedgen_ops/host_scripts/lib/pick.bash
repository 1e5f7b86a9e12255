# The owner's definition, read with the tag that a release picks of images.
#: files[]  the owner's compose files, or none for those that Compose looks for
#: env      the env file, in the project's directory or absolute
#: variable the variable of it that has the tag; "" for none
#: tag      the tag; "" where it is read as it stands
#: overlay  a compose file, as JSON, of the services whose image has the tag; "" for none
source lib/compose_files.bash

# pick FOLDER: adds to compose[] what makes it read the definition so. The folder gets the env file, as .env.
pick() {
  local file services name
  [ ! -f "$env" ] || cp -- "$env" "$1/.env" || return
  [ -z "$overlay" ] || find_files "$env" || return
  for file in "${files[@]}"; do compose+=(-f "$file"); done
  if [ -n "$variable" ] && [ -n "$tag" ]; then
    # The last line of a name counts; what the shell has of its own counts more.
    printf '\n%s=%s\n' "$variable" "$tag" >> "$1/.env" || return
    export "$variable=$tag"
    compose+=(--env-file "$1/.env")
  fi
  [ -n "$overlay" ] || return 0
  # Compose would make a service of a name that its owner's file does not have.
  services=$("${compose[@]}" --profile '*' config --services) || return
  while read -r name; do
    grep -qxF -- "$name" <<< "$services" || {
      echo "release.images: the compose file has no service \"$name\"" >&2
      return 1
    }
  done < <(grep -oE '"[^"]+": \{"image"' <<< "$overlay" | cut -d '"' -f 2)
  printf '%s\n' "$overlay" > "$1/picked.yaml" && compose+=(-f "$1/picked.yaml")
}
