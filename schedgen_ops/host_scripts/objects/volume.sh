# shellcheck shell=sh
# Works on the objects' volume, in a container of the store's own image: $1 is what to do, $2 a folder where that
# needs one; `path` is where the objects are, `stamp` the restore's time. Whatever it does may be done again.
#
# A folder beside the objects is ours if it has the exact form of a name and the mark in it: the objects that it
# holds are in `data`. An owner may have one that only looks like it.

pairs='[0-9][0-9]'
moment=$pairs$pairs$pairs${pairs}_$pairs$pairs$pairs
old=.schedgen-before-$stamp new=.schedgen-new-$stamp

# shellcheck disable=SC2254 # $moment is a pattern
ours() {
  [ -d "$1" ] && [ ! -L "$1" ] || return
  case ${1##*/} in
    .schedgen-new-$moment) ;;
    # The second is an earlier version's mark.
    .schedgen-before-$moment) [ ! -e "$1/.schedgen-moved" ] || return 0 ;;
    *) return 1 ;;
  esac
  marked=''
  [ ! -f "$1/mark" ] || IFS= read -r marked < "$1/mark"
  [ "$marked" = "schedgen restore ${1##*-}" ]
}

claim() {
  [ -d "$1" ] || mkdir -- "$1" || return
  ours "$1" || { rmdir -- "$1" && mkdir -- "$1" && echo "schedgen restore ${1##*-}" > "$1/mark"; } || return
  mkdir -p -- "$1/data"
}

# The mark goes last: what is left of a removal that was ended is still ours.
discard() { ours "$1" && rm -rf -- "$1/data" && rm -rf -- "$1"; }

# move_all FROM TO: what other restores put aside stays where it is.
move_all() {
  for f in "$1"/* "$1"/.[!.]* "$1"/..?*; do
    case ${f##*/} in lost+found) continue ;; esac
    ours "$f" && continue
    if [ -e "$f" ] || [ -L "$f" ]; then mv -- "$f" "$2/" || return; fi
  done
}

# What restores left that were cut off before it took its place goes: `removed FOLDER` each.
unfinished() {
  for f in .schedgen-new-*; do
    ours "$f" || continue
    discard "$f" && echo "removed $f" || return
  done
}

# A folder to restore into.
begin() { unfinished > /dev/null && claim "$new"; }

# `objects FOLDER KIB` of what restores put aside, `unmarked FOLDER` of what only looks like it.
look() {
  for f in .schedgen-before-$moment; do
    [ -d "$f" ] || continue
    if ours "$f"; then echo "objects $f $(du -sk "$f" | cut -f 1)"; else echo "unmarked $f"; fi
  done
}

remove() {
  [ -e "$1" ] || return 0
  ours "$1" || {
    echo "reason: $1 has no mark of a restore, and stays" >&2
    return 1
  }
  discard "$1"
}

# `moved` in the old objects' folder says that all of them are in it: what is at the top since is new.
forward() {
  claim "$old" || return
  [ -e "$old/moved" ] || { move_all . "$old/data" && : > "$old/moved"; } || return
  [ -d "$new" ] || return 0
  ours "$new" && move_all "./$new/data" . && rmdir -- "$new/data" && discard "$new"
}

# What a store made anew, which was started in between, stands in the way of what it had: that goes aside.
make_way() {
  n=0
  for f in "$old/data"/* "$old/data"/.[!.]* "$old/data"/..?*; do
    met=./${f##*/}
    if [ -e "$f" ] || [ -L "$f" ]; then
      [ -e "$met" ] || [ -L "$met" ] || continue
      claim "$new" || return
      while [ -e "$new/met$n" ]; do n=$((n + 1)); done
      mv -- "$met" "$new/met$n" || return
    fi
  done
}

back() {
  [ -d "$old" ] || return 0
  ours "$old" || {
    rmdir -- "$old"
    return
  }
  [ ! -e "$old/moved" ] || { claim "$new" && move_all . "$new/data" && rm "$old/moved"; } || return
  [ ! -d "$old/data" ] || { make_way && move_all "./$old/data" . && rmdir -- "$old/data"; } || return
  discard "$old"
}

cd -- "$path" || exit
case $1 in
  undo) discard "$new" ;;
  *) "$@" ;;
esac
