# Tells which variables have a value, as Compose itself reads the env file. It is asked twice: as the release will
# be, and without what this shell has of its own; once where nothing of that can make a difference. Its complaint
# can quote the file, so that only what is known to hold nothing of it is passed on.
#: compose[] `docker compose` with the project's name
#: model     a compose file that says `set` for each variable that is
#: file      the env file

# What is ours is no part of the environment, whatever names that has.
export -n compose model file
[ -r "$file" ] || cat -- "$file" > /dev/null || exit
keep=" PATH HOME USER LOGNAME SHELL PWD LANG LC_ALL TMPDIR XDG_RUNTIME_DIR
 DOCKER_HOST DOCKER_CONTEXT DOCKER_CONFIG DOCKER_CERT_PATH DOCKER_TLS_VERIFY "
ask() { printf '%s' "$model" | "${compose[@]}" --env-file "$file" -f - config --format json; }
more=()
for name in $(compgen -e); do
  case $keep in *[[:space:]]"$name"[[:space:]]*) ;; *) more+=("$name") ;; esac
done
# Whether Compose goes by one of them, or the model or the file names it. Bash itself sets `_` for each command.
matters() {
  local name asked
  asked=$model$(tr -d '\0' < "$file")
  for name in "${more[@]}"; do
    [[ $name != COMPOSE_* && ($name = _ || $asked != *"$name"*) ]] || return 0
  done
  return 1
}
alone() {
  [ "${#more[@]}" -eq 0 ] || unset "${more[@]}"
  ask 2> /dev/null
}
twice=''
! matters || twice=yes
[ -z "$twice" ] || exec 3< <(alone 2> /dev/null | tr -d '\n')
here=$(ask 2> /dev/null | tr -d '\n')
code=$?
if [ "$code" -ne 0 ]; then
  said=$(ask 2>&1 > /dev/null)
  case $said in *"unknown flag"* | *"not a docker command"* | *"unknown command"*)
    printf '%s\n' "${said%%$'\n'*}" >&2
    exit "$code"
    ;;
  esac
  where=
  [[ $said =~ line\ ([0-9]+): ]] && where="line ${BASH_REMATCH[1]}: "
  for known in 'unterminated quoted value' 'key cannot contain a space' 'unexpected character' \
    'Invalid template' 'required variable' 'is a directory' 'permission denied'; do
    case $said in *"$known"*)
      echo "refused $where$known"
      exit 0
      ;;
    esac
  done
  echo "refused ${where}something in it"
  exit 0
fi
printf 'own %s\nhere %s\nalone ' "$(compgen -e | tr '\n' ' ')" "$here"
if [ -n "$twice" ]; then cat <&3; else printf '%s' "$here"; fi
