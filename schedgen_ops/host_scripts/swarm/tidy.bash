# Removes configs and secrets of a project that no kept release names; what a service uses stays, whoever made that.
#: docker[]  the engine's words
#: project   whose they are
#: folders[] where the files of the kept releases are
for kind in config secret; do
  "${docker[@]}" "$kind" ls --filter "label=schedgen.project=$project" --format '{{.Name}}' | while read -r name; do
    grep -rqsF "\"$name\"" "${folders[@]}" || "${docker[@]}" "$kind" rm "$name" > /dev/null 2>&1
  done
done
exit 0
