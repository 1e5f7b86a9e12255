# Runs a service to its end, once, and tells what it wrote. Whatever becomes of it, nothing of it stays; what another run
# put in its place meanwhile is that one's.
#: file    its file of the stack
#: service its name
#: limit   seconds it may take
source lib/registry.bash
source lib/swarm.bash

id=''
gone() { "${docker[@]}" service rm "${id:-${stack}_$service}" > /dev/null 2>&1 || true; }
# Where nobody answers it may be there.
removed() { [[ $("${docker[@]}" service inspect --format '{{.ID}}' "$id" 2>&1) =~ [Nn]'o such service'|'not found' ]]; }
sign_in || exit
gone
want=$(defined "$file")
# What was there before is over first: two jobs at a time are never meant.
for ((i = 0; i < 50; i++)); do
  "${docker[@]}" service inspect "${stack}_$service" > /dev/null 2>&1 || break
  sleep 0.1
done
trap 'gone; unfollow; [ -z "$registry" ] || rm -rf -- "$registry"' EXIT
led "${signed[@]}" stack deploy --resolve-image never --with-registry-auth -c "$file" "$stack" > /dev/null || exit
id=$(led "${docker[@]}" service inspect --format '{{.ID}}' "${stack}_$service" | tail -n 1) || exit
follow
end=$((SECONDS + limit)) state=''
while [ "$SECONDS" -lt "$end" ]; do
  IFS=$'\t' read -r _ _ state _ _ why < <(tasks "$service" | awk -F '\t' -v id="$id" -v want="$want" '$1 == id && $4 == want') || state=''
  case $state in complete | failed | rejected | shutdown | orphaned | remove) break ;; esac
  [ -n "$state" ] || ! removed || {
    echo "$service was removed by another run" >&2
    exit 1
  }
  waits 0.5
done
"${docker[@]}" service logs --raw "$id" 2>&1 || true
[ "$state" != complete ] || exit 0
case $state in
  failed | rejected | shutdown | orphaned | remove) echo "$service: ${why:-$state}" >&2 ;;
  *) echo "$service did not end within $limit s${state:+, and is $state}" >&2 ;;
esac
exit 1
