# What the owner's compose files meant when the release that serves was made; nothing where none does.
#: state the folder of our state
read -r current < "$state/current" && [ -n "$current" ] || exit 0
cat -- "$state/releases/$current/owner.yaml"
