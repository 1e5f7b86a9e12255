# Tells which variables the env file has, with a digest of each value as Compose reads it under a salt of this one
# call; and whether somebody changed the file since it was delivered.
#: compose[] `docker compose` with the project's name
source lib/env_file.bash

export -n compose file state delivered
[ -e "$file" ] || {
  echo absent
  exit 0
}
[ -r "$file" ] || cat -- "$file" > /dev/null || exit
if [ ! -e "$delivered" ]; then echo foreign; elif cmp -s -- "$file" "$delivered"; then echo ours; else echo edited; fi
mapfile -t names < <(sed -nE 's/^[[:space:]]*(export[[:space:]]+)?([A-Za-z_][A-Za-z0-9_]*)[[:space:]]*[=:].*/\2/p' "$file" |
  sort -u)
[ "${#names[@]}" -gt 0 ] || exit 0
salt=$(od -An -v -N32 -tx1 /dev/urandom | tr -d ' \n') && [ "${#salt}" -eq 64 ] || exit
echo "salt $salt"
# What a value looks like must not depend on what this shell has of its own.
keep=" PATH HOME USER LOGNAME SHELL PWD LANG LC_ALL TMPDIR XDG_RUNTIME_DIR
 DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY "
for name in $(compgen -e); do
  case $keep in *[[:space:]]"$name"[[:space:]]*) ;; *) unset "$name" ;; esac
done
labels=
# shellcheck disable=SC2016 # Compose puts the value in its place
for name in "${names[@]}"; do
  case $keep in *[[:space:]]"$name"[[:space:]]*) continue ;; esac
  labels+=$(printf ',"v.%s":"${%s-}"' "$name" "$name")
done
read_back=$(printf '{"services":{"v":{"image":"v","labels":{%s}}}}' "${labels:1}" |
  "${compose[@]}" --env-file "$file" -f - config --format json 2> /dev/null) || {
  echo refused
  exit 0
}
while IFS= read -r line; do
  name=${line%% *} text=${line#* }
  # The escapes of JSON are those of printf, but for the quote; Compose writes a `$` twice.
  printf -v value %b "${text//'\"'/'\x22'}"
  value=${value//'$$'/'$'}
  digest=$(printf '%s\0%s\0%s' "$salt" "$name" "$value" | sha256sum) || exit
  printf '%s %s\n' "$name" "${digest%% *}"
done < <(sed -nE 's/^ *"v\.([A-Za-z_][A-Za-z0-9_]*)": "(.*)",?$/\1 \2/p' <<< "$read_back")
