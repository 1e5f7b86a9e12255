# What one answer of `docker info` tells of an engine, its plugins and its folder. Asked by itself, each of
# them would start the client anew, and most of them the plugins too. What is not in it is asked by itself:
# what docker says then is what is wrong.

# ask_engine WORD...: asks, by these words of the engine.
ask_engine() {
  local format
  format='{{range .ClientInfo.Plugins}}{{if .Err}}{{else}}{{.Name}} {{.Version}}{{println}}{{end}}{{end}}'
  # An engine that is away has none of it, in other ways from version to version.
  format+='{{with .Info}}engine {{.ServerVersion}}{{println}}root {{.DockerRootDir}}{{println}}'
  format+='{{range .DriverStatus}}driver {{index . 1}}{{println}}{{end}}'
  format+='{{range .SecurityOptions}}security {{.}}{{println}}{{end}}{{end}}'
  docker=("$@")
  told=$("$@" info --format "$format" 2> /dev/null)
}
# tells KIND: what was told of it, without the `v` of a version.
tells() {
  local line
  while IFS= read -r line; do
    case $line in "$1 "?*)
      line=${line#"$1 "}
      printf '%s\n' "${line#v}"
      return
      ;;
    esac
  done <<< "$told"
  return 1
}
engine_version() { tells engine || "${docker[@]}" version --format '{{.Server.Version}}'; }
compose_version() { tells compose || "${docker[@]}" compose version --short; }
# Why nothing can lead visitors past a hand-over of the published ports, see lib/detour.bash: nothing where something may.
no_detour() {
  case $told in *$'\nsecurity name=rootless'*) echo "Docker is rootless here" ;; *)
    PATH=/usr/local/sbin:/usr/sbin:/sbin:$PATH command -v iptables > /dev/null || echo "there is no iptables here"
    ;;
  esac
}
# Fails where there is none.
buildx_version() {
  case $told in '') "${docker[@]}" buildx version ;; *) tells buildx ;; esac
}
# spaces FOLDER: the room on every file system that a release fills, a line of `df` each, after its kind and
# folder. The project is in FOLDER.
spaces() {
  local root images
  room project "$1" || return
  root=$(tells root) && { room docker "$root" || printf 'unknown\t%s\n' "$root"; }
  # With containerd's image store, images are in its folder and not in Docker's.
  case $told in *io.containerd.snapshotter*)
    images=$(sed -n 's/^ *root *= *["'\'']\(.*\)["'\''] *$/\1/p;T;q' /etc/containerd/config.toml 2> /dev/null)
    images=${images:-/var/lib/containerd}
    [ ! -d "$images" ] || room images "$images" || printf 'unknown\t%s\n' "$images"
    ;;
  esac
  room tmp "${TMPDIR:-/tmp}"
  return 0
}
room() {
  local said
  said=$(df -Pk -- "$2") && printf '%s\t%s\t%s\n' "$1" "$2" "${said##*$'\n'}"
}
