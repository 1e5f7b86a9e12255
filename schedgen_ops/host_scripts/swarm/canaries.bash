# The canaries of a stack that are there, without the stack's name, a line each: those that have our mark.
#: docker[] the engine's words
#: stack    the stack's name
#: project  whose they are
"${docker[@]}" service ls --filter label=schedgen.canary --filter "label=schedgen.project=$project" \
  --filter "label=com.docker.stack.namespace=$stack" --format '{{.Name}}' | sed "s/^${stack}_//"
