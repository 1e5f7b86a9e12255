# Writes a release's own definition: the owner's under our overlay (image names and labels, as JSON on stdin). It is JSON,
# which is YAML too: what Compose writes as YAML loses the spaces that a text begins with behind an empty line.
#: compose[] `docker compose` with the project's name
#: release   the release's folder
umask 077
cat > "$release/overlay.json" || exit
"${compose[@]}" -f "$release/owner.yaml" -f "$release/overlay.json" config --format json > "$release/compose.yaml" || exit
# A release that was adopted is named without being looked at again.
sync -- "$release"/* "$release"
