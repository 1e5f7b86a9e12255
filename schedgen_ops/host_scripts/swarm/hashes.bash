# Tells the hash of what is in each file, in their order.
#: files[] their paths
for file in "${files[@]}"; do
  sha256sum < "$file" | cut -d' ' -f1 || exit
done
