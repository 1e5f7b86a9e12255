# Pushes images, and tells by which digest each can be pulled: `NAME DIGEST`. One that came from a registry by digest, and
# that the nodes can pull from there, is not pushed again. Where there is nowhere to push to, the others have no digest.
#: docker[]  the engine's words
#: prefix    the registry, or a path in one; "" for none
#: images[]  names on this host, as REPOSITORY:TAG
#: pulled[]  for each the name that it was pulled by; "" for one that was built
source lib/registry.bash

sign_in || exit
for at in "${!images[@]}"; do
  image=${images[at]} name=${pulled[at]}
  digest=''
  if [ -n "$name" ]; then
    repository=${name%%@*}
    [[ ${repository##*/} != *:* ]] || repository=${repository%:*}
    digest=$("${docker[@]}" image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image" |
      grep -E "^(docker\.io/(library/)?)?${repository//./\\.}@sha256:" | head -n 1) || digest=''
  fi
  if [ -z "$digest" ] && [ -n "$prefix" ]; then
    target=$prefix/$image
    "${docker[@]}" tag "$image" "$target" || exit
    "${signed[@]}" push "$target" > /dev/null || exit
    digest=$("${docker[@]}" image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$target" |
      grep -F "${target%:*}@" | head -n 1) || exit
    # The registry has it from now on; a name more would keep it here for good.
    "${docker[@]}" rmi "$target" > /dev/null 2>&1 || true
  fi
  echo "$image $digest"
done
