# Makes configs and secrets that are not there yet: a name tells what is in it. What is in those without a file is on stdin,
# all of it in base64, a line each.
#: docker[]  the engine's words
#: project   whose they are
#: kinds[]   config or secret
#: names[]   what the Swarm knows each by
#: files[]   where each is; "" for stdin
for at in "${!names[@]}"; do
  text=''
  [ -n "${files[at]}" ] || read -r text
  ! "${docker[@]}" "${kinds[at]}" inspect "${names[at]}" > /dev/null 2>&1 || continue
  if [ -n "${files[at]}" ]; then cat -- "${files[at]}"; else base64 -d <<< "$text"; fi |
    "${docker[@]}" "${kinds[at]}" create --label "schedgen.project=$project" "${names[at]}" - > /dev/null || exit
done
