# Tells hashes of files that services mount, where no git knows them.
#: paths[] relative to the current folder
source lib/file_ids.bash
for path in "${paths[@]}"; do file_id "$path"; done
