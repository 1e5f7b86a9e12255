# Tells what a config has to say of a project that somebody runs by hand: a line for each thing that is seen, its kind first
# and tabs between, then `--` and the compose file as Compose resolves it. Of variables only names; changes nothing.
#   at DIRECTORY                       without links
#   git BRANCH REMOTE                  "" for a branch where none is checked out
#   runs PROJECT SERVICE STATUS        a container that the folder's compose file made
#   moves KIND PATH                    a file that shows what moves the database's schema
#   folder PATH                        one of migrations
#   used VARIABLE                      the compose files ask for it
#   required VARIABLE                  ... and refuse to go on without
#   there VARIABLE                     the env file has it
#   listens SERVICE ADDRESS UDP PORT... one of them that runs and holds nothing, see lib/listeners.bash
#   tagged VARIABLE IMAGE              the tag of this image is that variable, as the compose files write it
#: docker[]  the engine's words
#: directory the project's
source lib/listeners.bash

cd -- "$directory" || exit
directory=$(pwd -P)
tell() {
  local IFS=$'\t'
  printf '%s\n' "$*"
}
tell at "$directory"
! git rev-parse --git-dir > /dev/null 2>&1 ||
  tell git "$(git symbolic-ref --quiet --short HEAD)" "$(git remote | head -n 1)"

# Those that git knows; without git, what is near.
project_files() {
  git ls-files -z 2> /dev/null || find . -maxdepth 5 -name node_modules -prune -o -name vendor -prune -o -type f -printf '%P\0'
}
declare -A told=()
once() { [ -n "${told[$*]-}" ] || {
  told[$*]=yes
  tell "$@"
}; }
moved_by() {
  local path=$1 folder=${1%/*}
  [ "$folder" != "$path" ] || folder=.
  case /$path in
    */node_modules/* | */vendor/*) return ;;
    */schema.prisma) once moves prisma "$path" ;;
    */manage.py) once moves django "$path" ;;
    */artisan) once moves laravel "$path" ;;
    */alembic.ini) once moves alembic "$path" ;;
    */bin/rails) once moves rails "$path" ;;
    */flyway.conf | */flyway.toml) once moves flyway "$path" ;;
    */knexfile.*) once moves knex "$path" ;;
    *.up.sql) once moves golang-migrate "$folder" ;;
    */package.json)
      if grep -qs '"migration:run"' "$path" && grep -qs '"typeorm"' "$path"; then once moves typeorm "$path"; fi
      ;;
  esac
  case /$path in
    */migrations/__init__.py | */versions/__init__.py) ;;
    */migrations/*.[jt]s | */migrations/*.sql | */migrations/*.py | */versions/*.py | */db/migrate/*.rb)
      once folder "$folder"
      ;;
  esac
}
while IFS= read -r -d '' file; do
  case $file in *[$'\t\n']*) ;; *) moved_by "$file" ;; esac
done < <(project_files)

variables() { grep -ohE "$1" -- *compose*.y*ml 2> /dev/null | grep -oE '[A-Za-z_][A-Za-z0-9_]*' | sort -u; }
while IFS= read -r name; do tell used "$name"; done < <(variables '\$\{?[A-Za-z_][A-Za-z0-9_]*')
while IFS= read -r name; do tell required "$name"; done < <(variables '\$\{[A-Za-z_][A-Za-z0-9_]*:?\?')
name='[A-Za-z_][A-Za-z0-9_]*'
# With anything behind it the variable is not the tag.
tagged="s/^(.*[{,[:space:]])?image:[[:space:]]*[\"']?([^[:space:]\"'\$]+):\\\$(\{($name)([:?+-][^}]*)?\}|($name))([\"',}[:space:]].*)?\$/\\4\\6\\t\\2/p"
while IFS=$'\t' read -r variable image; do
  tell tagged "$variable" "$image"
done < <(sed -nE "$tagged" -- *compose*.y*ml 2> /dev/null | sort -u)
[ ! -r .env ] || while IFS= read -r name; do
  tell there "$name"
done < <(sed -nE 's/^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*=.*/\2/p' .env | sort -u)

label=com.docker.compose
"${docker[@]}" ps --all --filter "label=$label.project.working_dir=$directory" --filter "label=$label.oneoff=False" \
  --format $'runs\t{{.Label "com.docker.compose.project"}}\t{{.Label "com.docker.compose.service"}}\t{{.Status}}' || exit
mapfile -t running < <("${docker[@]}" ps --quiet --filter "label=$label.project.working_dir=$directory" --filter "label=$label.oneoff=False")
tell_listeners "${running[@]}"
echo --
exec "${docker[@]}" compose config --format json
