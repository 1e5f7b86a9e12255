# Asks registries whether they have images: a line for each, in order, `EXIT-CODE WHAT-WAS-SAID`.
#: limit    seconds for each
#: images[] their names
source lib/registry.bash

sign_in || exit
# The registries that the engine does without TLS: its client does not know of them, and says that nothing is there.
names='{{range .RegistryConfig.IndexConfigs}}{{if not .Secure}}{{println .Name}}{{end}}{{end}}'
plain=$("${docker[@]}" info --format "$names" 2> /dev/null)
for image in "${images[@]}"; do
  how=()
  case ${image%%/*} in
    localhost | localhost:* | 127.*) how=(--insecure) ;;
    *) ! grep -qxF -- "${image%%/*}" <<< "$plain" || how=(--insecure) ;;
  esac
  said=$(timeout "$limit" "${signed[@]}" manifest inspect "${how[@]}" "$image" 2>&1 > /dev/null)
  printf '%s %s\n' "$?" "${said//$'\n'/ }"
done
