# Submodules that go with the work tree. One goes to the commit that its parent names; its address is set anew
# only where the release changed it: it may be one of the host's own.
export GIT_TERMINAL_PROMPT=0

names() { git config --blob "$1:.gitmodules" --name-only --get-regexp '^submodule\..*\.path$' 2> /dev/null; }
# said COMMIT NAME KEY: what .gitmodules says of a submodule there.
said() { git config --blob "$1:.gitmodules" --get "submodule.$2.$3" 2> /dev/null; }
# git's own way into submodules wants their commits to be there already.
move() { git -c advice.detachedHead=false -c submodule.recurse=false checkout --quiet "$@"; }
linked() { [[ $(git ls-tree --full-tree "$1" -- "$2") == 160000\ * ]]; }
# forget OLD NEW: those that the commit NEW does not have any more.
forget() {
  local old=$1 new=$2 key name path
  while IFS= read -r key; do
    name=${key#submodule.}
    name=${name%.path}
    path=$(said "$old" "$name" path)
    if linked "$old" "$path" && ! linked "$new" "$path"; then
      # One with files of somebody else stays: git then calls it a folder that it does not know.
      git submodule --quiet deinit -- "$path" > /dev/null 2>&1
    fi
  done < <(names "$old")
  return 0
}
# follow OLD NEW BACK: those of the commit NEW where it has them; BACK is "" unless it is the way back.
follow() {
  local old=$1 new=$2 back=$3 key name path was kept url
  while IFS= read -r key; do
    name=${key#submodule.}
    name=${name%.path}
    path=$(said "$new" "$name" path)
    linked "$new" "$path" || continue
    kept=$(git rev-parse --git-path "modules/$name")
    [ -e "$kept" ] || kept=
    # On the way back, what was not there before need not be.
    [ -z "$back" ] || [ -n "$kept" ] || [ -e "$path/.git" ] || continue
    was=
    [ ! -e "$path/.git" ] || was=$(git -C "$path" rev-parse --verify --quiet HEAD)
    git submodule --quiet init -- "$path" || return
    url=$(said "$old" "$name" url)
    if [ "$url" != "$(said "$new" "$name" url)" ] && [ -n "$url$kept" ]; then
      git submodule --quiet sync -- "$path" || return
    fi
    git submodule --quiet update -- "$path" || return
    # None that the host's own configuration leaves out (`submodule.NAME.update` is none).
    [ -e "$path/.git" ] || continue
    (cd -- "$path" && follow "${was:-HEAD}" HEAD "$back") || return
  done < <(names "$new")
}
