# Tells the images that the files of a release name, each once.
#: folder where the files are
sed -n 's/^ *"image": "\([^"]*\)".*/\1/p' "$folder"/*.json | sort -u
