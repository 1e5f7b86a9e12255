# Puts the files of a project, a packed tar on stdin, into its directory, which is empty or holds what an earlier try left.
#: directory the project's
#: size      how many bytes come
source lib/new_project.bash
source lib/files.bash

unpacked() {
  mkdir -p "$part/files" && arrived "$part/files.tar.gz" "$size" &&
    tar -xzf "$part/files.tar.gz" --no-same-owner -C "$part/files" && mv -T -- "$part/files" "$whole"
}
enter_project
if [ ! -d "$whole" ]; then
  only_ours
  unpacked || {
    rm -rf -- "$part"
    fail "the files could not be unpacked"
  }
  rm -rf -- "$part"
fi
in_place
