# Files that a release has for itself: what its containers mount of the project and git has, copied into the release's
# folder as `tree`, which is as the repository is; `tree.list` beside it says what was copied.

# Who sources this may call a function of its own `find`.

# fitness COMMIT PATH ID: what stands against such a copy of the files at a path, an entry each in the form of
# `git ls-tree -z`: `unfit WHY`; `other NAME` for what is there and is not as git has it; `empty NAME` where that is a
# folder or a file with nothing in it; `foreign NAME` for what no copy would be like. `directory` is the project's, and
# where git looks for the commit may be another place.
fitness() {
  local why
  why=$(unfit "$@")
  [ -z "$why" ] || entry "unfit $why" "$2"
  (
    unset GIT_DIR GIT_WORK_TREE
    cd -- "$directory" && others "$2"
  )
}
entry() { printf '%s\t%s\0' "${1//[$'\t\n']/?}" "$2"; }
unfit() {
  case $(git cat-file -t "$3" 2> /dev/null) in
    blob) [[ $(git ls-tree "$1" -- "$2") == 100* ]] || echo link ;;
    tree)
      # A folder that holds its place is there to be written to.
      git ls-tree -r -z --full-tree "$3" | tr '\n\0' '?\n' | awk -F '\t' '
        /^160000/ { submodule = submodule ? submodule : $2 }
        {
          count = split($2, part, "/")
          held = part[count] ~ /^\.(gitkeep|gitignore|keep|empty|placeholder)$/
          folder = ""
          for (i = 1; i < count; i++) {
            folder = folder (i > 1 ? "/" : "") part[i]
            all[folder]++
            holding[folder] += held
          }
        }
        END {
          if (submodule) { print "submodule " submodule; exit }
          for (folder in all) if (all[folder] == holding[folder]) { print "placeholder " folder; exit }
        }'
      ;;
    *) echo submodule ;;
  esac
}
others() {
  local name kind from=./$1 group count=0
  local -a theirs=(-false) passed=(-name .git)
  [ "$1" != . ] || from=.
  while IFS= read -r -d '' name; do
    count=$((count + 1))
    if [ -n "$(command find "./$name" ! -type d ! -empty -print -quit 2>&1)" ]; then
      entry "other $name" "$1"
      # In a pattern, these stand for others.
      case $name in */) passed+=(-o -path "./$(sed 's/[][*?\\]/\\&/g; s|/$||' <<< "$name")") ;; esac
    else
      while IFS= read -r -d '' name; do entry "empty $name" "$1"; done < <(command find "./$name" -empty -print0)
    fi
  done < <(git --literal-pathspecs ls-files -z --others --directory -- "$1" | head -z -n 500)
  # What is ours may be among these, and then hide others.
  [ "$count" -lt 500 ] || entry "other $name and more" "$1"
  while IFS= read -r -d '' name; do
    entry "other $name" "$1"
  done < <(git --literal-pathspecs ls-files -z --modified --deleted -- "$1" | head -z -n 100)
  # git knows nothing of sockets and the like, and a copy of ours is ours.
  if [ "$EUID" -ne 0 ]; then
    theirs=(! -uid "$EUID" -o '(')
    for group in $(id -G); do theirs+=(! -gid "$group"); done
    theirs+=(')')
  fi
  while IFS= read -r -d '' name; do
    kind=foreign
    [ -z "$(command find "$name" -maxdepth 0 -empty)" ] || kind=empty
    entry "$kind $name" "$1"
  done < <(
    command find "$from" '(' "${passed[@]}" ')' -prune -o '(' ! -type f ! -type d ! -type l -o "${theirs[@]}" ')' -print0 |
      head -z -n 100
  )
}

# listing FOLDER: what is in it, with what shows that it was written to.
listing() {
  (cd -- "$1" && command find . -mindepth 1 '(' -type d -printf 'd\t%P\0' -o -printf '%y %s %T@ %l\t%P\0' ')' 2> /dev/null)
}
# same A B: whether there is the same at both paths, or nothing.
same() {
  if [ -L "$1" ] || [ -L "$2" ]; then
    [ -L "$1" ] && [ -L "$2" ] && [ "$(readlink -- "$1")" = "$(readlink -- "$2")" ]
  elif [ -d "$1" ]; then
    [ -d "$2" ]
  elif [ -f "$1" ] && [ -f "$2" ]; then
    cmp -s -- "$1" "$2"
  else
    [ ! -e "$1" ] && [ ! -e "$2" ]
  fi
}
# written RELEASE TOP: the paths in the tree of a release's folder that are not as they were copied, with NUL behind
# each; what is in the work tree TOP as well is passed over.
written() {
  local tree=$1/tree line path before=$'\n'
  [ -e "$1/tree.list" ] && [ -d "$tree" ] || return 0
  while IFS= read -r -d '' line; do
    path=${line#$'\t'}
    path=${path#*$'\t'}
    case $before in *$'\n'"$path"$'\n'*) continue ;; esac
    before+=$path$'\n'
    same "$tree/$path" "$2/$path" || printf '%s\0' "$path"
  done < <(comm -z -3 <(sort -z -- "$1/tree.list") <(listing "$tree" | sort -z))
}
# tell_written DIRECTORY: what the listed containers (lib/listed.bash) wrote where they see files that a release has for
# itself: SERVICE, RELEASE and the path in the repository, with tabs between and NUL behind each.
tell_written() {
  local top told service source release within path
  # shellcheck disable=SC2016 # a variable of docker's template
  told=$(inspect_listed '{{$name := index .Config.Labels "com.docker.compose.service"}}
{{range .Mounts}}{{println $name .Source}}{{end}}') || return
  told=$(grep -E '/[.]schedgen/releases/[^/]+/tree(/|$)' <<< "$told" | sort -u) || return 0
  top=$(cd -- "$1" && git rev-parse --show-toplevel) || return
  while read -r service source; do
    release=${source##*/.schedgen/releases/}
    within=${release#*/tree}
    release=${release%%/*}
    while IFS= read -r -d '' path; do
      [[ /$path/ != "$within"/* ]] || printf '%s\t%s\t%s\0' "$service" "$release" "$path"
    done < <(written "$1/.schedgen/releases/$release" "$top")
  done <<< "$told"
}
