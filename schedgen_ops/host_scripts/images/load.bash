# Takes in images that were packed, gives them their names, and removes the folder that they came in.
#: docker[]  the engine's words
#: file      where they are
#: names[]   what they are called there
#: targets[] what each of those is called from now on; one may get several names
trap 'rm -rf -- "${file%/*}"; "${docker[@]}" rmi "${names[@]}" > /dev/null 2>&1' EXIT
gzip -dc -- "$file" | "${docker[@]}" load --quiet || exit
for at in "${!names[@]}"; do
  "${docker[@]}" tag "${names[at]}" "${targets[at]}" || exit
done
