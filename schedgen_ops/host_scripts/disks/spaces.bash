# Tells the room on every file system that a release fills, a line of `df` each, after its kind and folder.
#: docker[]  the engine's words
#: directory the project's
room() { df -Pk -- "$2" | tail -n 1 | { read -r line && printf '%s\t%s\t%s\n' "$1" "$2" "$line"; }; }

info=$("${docker[@]}" info --format '{{.DockerRootDir}}{{range .DriverStatus}}{{println}}{{index . 1}}{{end}}')
room project "$directory" || exit
root=${info%%$'\n'*}
if [ -n "$root" ]; then room docker "$root" || printf 'unknown\t%s\n' "$root"; fi
# With containerd's image store, images are in its folder and not in Docker's.
case $info in *io.containerd.snapshotter*)
  images=$(sed -n 's/^ *root *= *["'\'']\(.*\)["'\''] *$/\1/p;T;q' /etc/containerd/config.toml 2> /dev/null)
  images=${images:-/var/lib/containerd}
  [ ! -d "$images" ] || room images "$images" || printf 'unknown\t%s\n' "$images"
  ;;
esac
room tmp "${TMPDIR:-/tmp}"
exit 0
