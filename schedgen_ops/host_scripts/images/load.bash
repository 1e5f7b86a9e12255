# Takes in images that were packed, and removes the file.
#: docker[] the engine's words
#: file     where they are
trap 'rm -f -- "$file"' EXIT
gzip -dc -- "$file" | "${docker[@]}" load --quiet
