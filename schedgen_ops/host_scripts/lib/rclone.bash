# rclone on a host: its own, or one in a container of an image. Options come on stdin, NAME=VALUE, each ended by a
# NUL; secrets are in the environment. Neither argv nor a file holds a value: rclone takes them from its
# environment. A container writes into the folder where `access` is rw.
#: docker[]  the engine's words
#: image     runs rclone in a container of it; "" takes the host's own
#: folder    the folder to copy, or to copy into
#: path      the remote's path
#: name      what to copy to, or from, on the remote
#: encrypt   "yes" to encrypt what is written
#: secrets[] the names of the secret options
# shellcheck disable=SC2034 # `from`, `flags` and `telling` are read by who calls

folder=$(realpath -- "$folder")
names=("${secrets[@]}")
while IFS= read -r -d '' option; do
  # shellcheck disable=SC2163 # it is NAME=VALUE
  export "$option"
  names+=("${option%%=*}")
done
if [ -n "$image" ]; then
  from=/backup
  run() {
    for each in "${names[@]}"; do printf '%s=%s\n' "$each" "${!each}"; done |
      "${docker[@]}" run --rm --network host --user "$(id -u):$(id -g)" --env-file /dev/stdin --env HOME=/tmp \
        --volume "$folder:/backup:${access-ro}" --entrypoint rclone "$image" "$@"
  }
  obscure() { "${docker[@]}" run --rm --interactive --network none --entrypoint rclone "$image" obscure -; }
else
  from=$folder
  command -v rclone > /dev/null || {
    echo "rclone is not installed on this host" >&2
    exit 127
  }
  run() { rclone "$@" < /dev/null; }
  obscure() { rclone obscure -; }
fi
to=offsite:$path
if [ "$encrypt" = yes ]; then
  hidden=$(printf %s "$RCLONE_PASSWORD_TO_OBSCURE" | obscure) || exit
  export RCLONE_CONFIG_VAULT_TYPE=crypt RCLONE_CONFIG_VAULT_REMOTE="$to"
  export RCLONE_CONFIG_VAULT_PASSWORD="$hidden"
  export RCLONE_CONFIG_VAULT_FILENAME_ENCRYPTION=off RCLONE_CONFIG_VAULT_DIRECTORY_NAME_ENCRYPTION=false
  names+=(RCLONE_CONFIG_VAULT_{TYPE,REMOTE,PASSWORD,FILENAME_ENCRYPTION,DIRECTORY_NAME_ENCRYPTION})
  to=vault:
fi
unset RCLONE_PASSWORD_TO_OBSCURE
to=${to%/}
[ "$to" = vault: ] || to+=/
to+=$name
flags=(--use-json-log --contimeout 15s --timeout 120s --retries 2 --low-level-retries 5)
telling=(--stats 1s --stats-log-level NOTICE)
