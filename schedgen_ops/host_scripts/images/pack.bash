# Packs images into a file for a host that has some of their layers; says how many bytes it has. The machine that runs the
# deploy does so too, where it has built them: it may be a Mac.
#: docker[] the engine's words
#: images[] their ids
#: names[]  a name for each, which it has until it has arrived: another engine may give it another id
#: layers[] the sums of the layers that are there, as sha256sum has them
#: file     where they go
umask 077
mkdir -p "${file%/*}" && scratch=$(mktemp -d "${file%/*}/pack.XXXXXX") || exit
trap 'rm -rf "$scratch"; "${docker[@]}" rmi "${names[@]}" > /dev/null 2>&1' EXIT
for at in "${!images[@]}"; do
  "${docker[@]}" tag "${images[at]}" "${names[at]}" || exit
done
"${docker[@]}" save "${names[@]}" | tar -xf - -C "$scratch" || exit
if [ "${#layers[@]}" -gt 0 ]; then
  summed=(sha256sum)
  command -v sha256sum > /dev/null || summed=(shasum -a 256)
  # Under which name a layer lies differs from version to version; what is packed already has another sum, and stays.
  find "$scratch" -type f \( -name layer.tar -o -path '*/blobs/sha256/*' \) -exec "${summed[@]}" {} + |
    while read -r sum path; do
      case " ${layers[*]} " in *" $sum "*) rm -f -- "$path" ;; esac
    done || exit
fi
tar -cf - -C "$scratch" . | gzip -1 > "$file" && wc -c < "$file"
