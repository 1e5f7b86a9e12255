# Takes in images that were packed, and removes the folder that they came in.
#: docker[] the engine's words
#: file     where they are
trap 'rm -rf -- "${file%/*}"' EXIT
gzip -dc -- "$file" | "${docker[@]}" load --quiet
