# What the ingress has counted of visitors. `docker` has the engine's words, an array; `project` is the caller's.
source lib/proxy.bash

# count WHEN: what it has counted since its worker began, in a line: `visitors WHEN CONTAINER` and what
# `proxy_visitors` prints; `visitors WHEN none` without an ingress, `visitors WHEN unknown` where it is not told.
count() {
  local id numbers
  id=$(timeout -k 2 15 "${docker[@]}" ps --quiet --no-trunc \
    --filter "label=com.docker.compose.project=$project" \
    --filter label=com.docker.compose.service=schedgen-ingress 2> /dev/null) ||
    {
      echo "visitors $1 unknown"
      return
    }
  [ -n "$id" ] || {
    echo "visitors $1 none"
    return
  }
  id=${id%%$'\n'*}
  if numbers=$(proxy_visitors "$id"); then echo "visitors $1 $id $numbers"; else echo "visitors $1 unknown"; fi
}
