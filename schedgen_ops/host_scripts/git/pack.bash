# Packs what a work tree has of the files that git tracks, submodules' too; tells how many bytes that came to, and where
# the project is in its repository (nothing for all of it, else PATH/).
#: directory the project's
#: file      where they go, with its whole path
umask 077
cd -- "$directory" && prefix=$(git rev-parse --show-prefix) && top=$(git rev-parse --show-toplevel) || exit
mkdir -p -- "${file%/*}" && cd -- "$top" || exit
git ls-files -z --recurse-submodules |
  while IFS= read -r -d '' path; do
    # A sparse work tree has not all of them. A name that looks like an option is none behind `./`.
    [ ! -e "$path" ] && [ ! -L "$path" ] || printf './%s\0' "$path"
  done | tar --create --null --no-recursion --files-from - | gzip -1 > "$file" || exit
printf '%s %s\n' "$(wc -c < "$file")" "$prefix"
