# Tells what containers have written into files that releases have for themselves: RELEASE, a tab and the path in the
# repository, with NUL behind each. What is in the work tree as well is passed over.
#: directory  the project's
#: releases[] the folders of releases
source lib/own_files.bash

cd -- "$directory" && top=$(git rev-parse --show-toplevel) || exit
for release in "${releases[@]}"; do
  while IFS= read -r -d '' path; do printf '%s\t%s\0' "${release##*/}" "$path"; done < <(written "$release" "$top")
done
