"""A Docker Engine made of files, for scripts that are run for real: containers, their health, an ingress.

It does what the roll-out's scripts rely on and writes down what they ask. Real engines are the lab's.
"""

from __future__ import annotations

from pathlib import Path

from kit import bash, program

from schedgen_ops.commands.docker import Docker
from schedgen_ops.orchestrators.compose import ComposeOrchestrator
from schedgen_ops.proxy import PROXIES
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command

PROXY = PROXIES["haproxy"]

# A container is a file: service, status, health, release. Its name is its id and the end of its address.
# Where it listens is in `listens-SERVICE-RELEASE` or `listens-SERVICE`: after so many seconds, and what.
_DOCKER = r"""
cd -- "$FAKE" || exit 9
words=" $* " found=()
take() { [ ! -e "$2" ] || read -r "$1" < "$2"; }
of() { found=(); for file in containers/*; do
  [ -e "$file" ] || continue
  read -r s _ _ r < "$file"
  [ "$s" != "$1" ] || [ "${2:-$r}" != "$r" ] || found+=("${file#containers/}"); done; }
make() { # service, status
  health=healthy; take number next; take health "health-$1"; take release release
  echo $((number + 1)) > next
  echo "$1 $2 $health $release" > "containers/$number"
  echo "made $number $1" >> log; touch "made-$number"
  hash=as-written; take hash hash; echo "$hash" > "hash-$number"
}
open_ports() { # id, service, release
  local after=0 ports='' born=0
  if [ -e "listens-$2-$3" ]; then read -r after ports < "listens-$2-$3"; else
    [ ! -e "listens-$2" ] || read -r after ports < "listens-$2"; fi
  [ ! -e "made-$1" ] || born=$(command stat -c %Y "made-$1")
  [ "$((EPOCHSECONDS - born))" -lt "$after" ] || echo "$ports"
}
# Its network's sockets, as the kernel tells of them; one that only it can reach is among them.
table() { # id, ports
  mkdir -p "net-$1/net"
  { echo '  sl  local_address rem_address   st'; echo '   0: 0B00007F:9C40 00000000:0000 0A 0:0'
    echo '   1: 0A00000A:01BB 0A00000B:9C41 01 0:0'
    for port in $2; do printf '   2: 00000000:%04X 00000000:0000 0A 0:0\n' "$port"; done; } > "net-$1/net/tcp"
}
stat() {
  busy=0 reach=UP; take busy busy; take reach reach
  echo '# pxname,svname,qcur,qmax,scur,c,c,c,c,c,c,c,c,c,c,c,c,status,type,addr,check_status'
  while read -r proxy; do
    slot=0; of "${proxy%[_:]*}"
    for id in "${found[@]}"; do
      read -r s status health r < "containers/$id"; slot=$((slot + 1))
      # Who stands by is seen where the ingress looks for it.
      ! grep -qs schedgen-standby "name-$id" || [ -e "invited-$id" ] || continue
      up=DOWN
      case $status:$health in
        running:healthy) up=UP ;;
        running:none) [ -z "$(open_ports "$id" "$s" "$r")" ] || up=UP ;;
      esac
      at=10.0.0.$id; [ ! -e ipv6 ] || at="[fd00:77::$id]"
      checked=L7OK; [ ! -e unchecked ] || checked=INI
      echo "$proxy,s$slot,,,$busy,,,,,,,,,,,,,$up,2,$at:80,$checked"
    done
    echo "$proxy,s9,,,0,,,,,,,,,,,,,MAINT,2,0.0.0.0:80,"
    echo "$proxy,BACKEND,,,0,,,,,,,,,,,,,$reach,1,,"
  done < proxies
}
# What each server of a route looks for, and where that is.
led() {
  stat | while IFS=, read -r route server _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ _ kind at _; do
    [ "$kind" = 2 ] || continue
    at=${at%:*} name=usual; [ "$at" != 0.0.0.0 ] || at=-
    [ ! -e "invited-${at##*.}" ] || name=${at##*.}
    echo "1 $route 1 $server $at 2 0 1 1 1 6 3 4 6 0 0 0 $name 80"
  done
}
# Those that a container is not on, or found by no name of: gone-ID, unnamed-ID.
on() { [ -e "gone-$1" ] || echo "$1 net 10.0.0.$1$([ -e "unnamed-$1" ] || echo " $2")"; }
# Away for so many commands, as an engine that is restarted; or of a mind to refuse one kind of them.
away=0; take away away
[ "$1" != start ] || [ ! -e restarts ] || mv restarts away; take away away
[ "$away" -eq 0 ] || { echo $((away - 1)) > away
  echo "Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?" >&2; exit 1; }
refuses=; take refuses refuses; [ "$1" != "$refuses" ] || { echo "$1 is refused" >&2; exit 1; }
case $1 in
  ps)
    case $words in *oneoff=True*) [ ! -e containers/beef ] || echo beef; exit ;; esac
    case $words in *name=*schedgen-standby*)
      for file in name-*; do ! grep -qs schedgen-standby "$file" || echo "${file#name-}"; done; exit ;; esac
    case $words in *'.Label "schedgen.release"'*)
      for ((n = $(cat next) - 1; n > 0; n--)); do
        [ -e "containers/$n" ] || continue
        read -r s _ _ r < "containers/$n"; name=p-$s; take name "name-$n"; echo "$n $name $s $r"
      done
      exit ;; esac
    case $words in *compose.service=*) ;; *schedgen.release=*) release=${words#*schedgen.release=}
      grep -l " ${release%% *}$" containers/* | sed 's,.*/,,'; exit ;;
      *) (cd containers && printf '%s\n' *); exit ;; esac
    service=${words#*compose.service=}; release=
    case $words in *schedgen.release=*) release=${words#*schedgen.release=} ;; esac
    of "${service%% *}" "${release%% *}"
    for ((n = ${#found[@]}; n > 0; n--)); do
      name=p-$service; take name "name-${found[n - 1]}"
      echo "${found[n - 1]}$(case $words in *.Names*) echo " $name" ;; esac)"
    done ;;
  inspect)
    format=$3; shift 3
    for id in "$@"; do
      [ -e "containers/$id" ] || { echo "Error: No such object: $id" >&2; missed=yes; continue; }
      read -r s status health release < "containers/$id"; code=0; take code "code-$s"
      dies=; take dies "dies-$s"; [ "$s $release" != "$dies" ] || status=exited
      case $format in
        '{{.Id}}') echo "$id" ;;
        *config-hash*) hash=as-written; take hash "hash-$id"; echo "$hash" ;;
        '{{.Name}}') name=p-$s-$id; take name "name-$id"; echo "/$name" ;;
        '{{.State.Status}} {{index'*) echo "$status $s" ;;
        '{{.Image}}') image=$s; take image "image-$id"; echo "sha256:$image" ;;
        '{{.HostConfig.NetworkMode}}') network=bridge; take network "network-$s"; echo "$network" ;;
        *ExposedPorts*)
          named=; take named "named-$s"; network=bridge; take network "network-$s"
          rm -rf "net-$id"
          [ "$status" != running ] || table "$id" "$(open_ports "$id" "$s" "$release")"
          again=; take again "again-$s"; [ -z "$again" ] || [ "$s $release" = "$again" ] || again=
          echo "$id $health ${again:+$EPOCHREALTIME}since $network 0 $named- ../$FAKE/net-$id" ;;
        *'.HostConfig.PortBindings}}{{range'*)
          port=80; take port published-port
          echo '80/tcp {"HostIp":"","HostPort":"'"$port"'"}' ;;
        *'.NetworkSettings.Ports}}{{range'*)
          at=0.0.0.0 port=80; take port published-port
          [ "$id" != beef ] || { at=127.0.0.1 port=32768; take port free-port; }
          echo '80/tcp {"HostIp":"'"$at"'","HostPort":"'"$port"'"}' ;;
        *PortBindings*) ports=1; [ ! -e "made-$id" ] || ports=0; echo "$id $ports $release" ;;
        *Aliases*) on "$id" "$s" ;;
        '{{.Id}}{{range'*) at=10.0.0.$id; [ ! -e ipv6 ] || at=fd00:77::$id
          echo "$id$([ -e "gone-$id" ] || echo " $at")" ;;
        '{{index .Config.Labels '*IPAddress*) echo "$s 10.0.0.$id" ;;
        *Healthcheck*) echo "words of $id" >> log; check=; take check "check-$s"
          printf '%b\0' ${check:+'\0CMD\0own\0'"$check"}; echo ;;
        '{{.State.Pid}}') pid=; take pid "pid-$id"; echo "${pid:-0}" ;;
        *IPAddress*) [ -e "gone-$id" ] ||
          if [ -e ipv6 ]; then echo " fd00:77::$id "; else echo "10.0.0.$id "; fi ;;
        *RestartPolicy*) echo on-failure:3 ;;
        '{{.Id}}'*) echo "$id $status" ;;
        *) echo "$status $health $code $id" ;;
      esac
    done
    [ -z "${missed-}" ] || exit 1 ;;
  events)
    cuts=0; take cuts cuts; [ "$cuts" -eq 0 ] || { echo $((cuts - 1)) > cuts; exit; }
    [ ! -e ends ] || { sleep 0.2; sed -i "s/ running / exited /" containers/*; echo one; exit; }
    [ ! -e event ] || { sleep 0.2; take event event; sed -i "s/ starting / $event /" containers/*; echo one; }
    until=${words#*--until } until=${until%% *}; printf -v now '%(%s)T' -1
    exec sleep "$((until - now))" ;;
  restart) echo "$*" >> log; shift; for id in "$@"; do touch "made-$id"; done ;;
  kill) worker=1; take worker worker; echo $((worker + 1)) > worker; echo "$*" >> log ;;
  network)
    echo "$*" >> log; id=${*: -1}
    if [ "$2" = disconnect ]; then
      [ ! -e "gone-$id" ] || { echo "container $id is not connected" >&2; exit 1; }
      touch "gone-$id"
    else
      rm -f "gone-$id" "unnamed-$id"; case $words in *' --alias '*) ;; *) touch "unnamed-$id" ;; esac
    fi ;;
  port) cat published ;;
  rename) echo "$3" > "name-$2"; echo "$*" >> log ;;
  update) echo "$*" >> log ;;
  logs) echo "out of luck" ;;
  stop|start|rm)
    verb=$1; shift; [ "$1" != --force ] || shift
    case $verb:$words in
      stop:*-schedgen-detour*) [ -e led ] || exit 1; rm led; echo "detour over" >> log; exit ;;
    esac
    while [ "$verb" = stop ] && [ -e slow ]; do touch stopping; sleep 0.05; done
    for id in "$@"; do
      [ -e "containers/$id" ] || continue
      stuck=; take stuck stuck
      [ "$verb $id" != "start $stuck" ] || { echo "port is already allocated" >&2; refused=yes; continue; }
      echo "$verb $id" >> log; read -r s status rest < "containers/$id"
      case $verb in
        rm) rm "containers/$id"; rm -f "name-$id" ;;
        stop) echo "$s exited $rest" > "containers/$id" ;;
        start) echo "$s running $rest" > "containers/$id" ;;
      esac
    done
    [ -z "${refused-}" ] || { echo "Error: failed to start containers" >&2; exit 1; } ;;
  exec)
    case "$3 $4" in
      'own passes') echo "own $2" >> log; exit ;;
      'own hangs') echo "own $2" >> log; exec sleep 30 ;;
      'own fails') exit 1 ;;
      'cat /'*) cat page; exit ;;
    esac
    touch asked
    while IFS= read -r ask; do
      case $ask in
        'show stat') stat ;;
        'show map') if [ -e unmapped ]; then echo '# id (file) description'; else
          echo '0 (/etc/schedgen-ingress/maintenance.map) entry_cnt=0'
          echo '1 (/etc/schedgen-ingress/out.map) entry_cnt=0'; fi ;;
        'show map '*) ! [ -e mapped ] || cat mapped ;;
        'prepare map '*) if [ -e unversioned ]; then echo 'Unknown command.'; else
          echo 'New version created: 7'; fi ;;
        'show info') worker=1; take worker worker; echo "Pid: $worker" ;;
        'show servers state') echo "ask $ask" >> log; [ -e stateless ] || { echo 1; led; } ;;
        *) echo "ask $ask" >> log
          case $ask in *fqdn\ usual*) rm -f invited-* ;; esac
          for word in $ask; do
            word=${word%%;*}
            [ "${was-}" != fqdn ] || [ "$word" = usual ] || touch "invited-$word"
            was=$word
          done ;;
      esac
      printf '\001'; [ ! -e fickle ] || exit 1
    done ;;
  run)
    case $words in *' sh 0 SCHEDGEN-'*) echo "rules taken away" >> log; exit ;; esac
    [ ! -e filtered ] || { echo "Docker sets no rules there"; exit 1; }
    echo "detour" >> log; touch led; echo open
    for ((n = 0; n < 400; n++)); do [ -e led ] || break; sleep 0.05; done ;;
  compose)
    [ ! -e broken ] || { echo "no such image" >&2; exit 17; }
    hash=as-written; take hash hash
    case $words in
      *' config --hash '*) echo "schedgen-ingress $hash"; exit ;;
      *' run '*) [ ! -e stuck-run ] || exit 1; echo "trial running healthy r0" > containers/beef; exit ;;
    esac
    status=running; case $words in *' --no-start '*) status=created ;; esac
    case $words in *' --force-recreate '*)
      service=${words% } service=${service##* }; of "$service"
      for id in "${found[@]}"; do rm "containers/$id"; make "$service" running; done
      [ "${#found[@]}" -gt 0 ] || make "$service" running
      exit ;;
    esac
    for word in "$@"; do
      case $word in
        *=*)
          of "${word%=*}"
          for ((n = ${#found[@]}; n < ${word#*=}; n++)); do make "${word%=*}" "$status"; done ;;
        schedgen-ingress)
          of "$word"; was=$hash
          [ "${#found[@]}" -eq 0 ] || take was "hash-${found[0]}"
          [ "$was" = "$hash" ] || {
            rm "containers/${found[0]}"; echo "exchanged ${found[0]}" >> log; found=(); }
          [ "${#found[@]}" -gt 0 ] || make "$word" "$status" ;;
      esac
    done
    [ ! -e leaves ] || mv leaves away ;;
  *) echo "unexpected $*" >&2; exit 9 ;;
esac
"""


class Engine:
    """An engine in a folder, whose name is as awkward as a folder's name may be.

    Attributes:
        state: the folder of our state on the host.
    """

    def __init__(self, root: Path) -> None:
        self.root = root / 'the "engine" isn\'t $HOME'
        self.state = root / "our `state` isn't $HOME; id"
        for folder in (self.root / "containers", self.state):
            folder.mkdir(parents=True)
        self.bin = root / "bin"
        program(self.bin, "docker", _DOCKER)
        self.say(next="1", release="r1", proxies="")
        (self.root / "log").touch()
        self.compose = ComposeOrchestrator(Docker(), "schedgen", "/srv/schedgen")

    def say(self, **values: str) -> None:
        """What it does from now on; `_` in a name stands for `-`."""
        for name, text in values.items():
            (self.root / name.replace("_", "-")).write_text(f"{text}\n" if text else "")

    def has(self, *services: str) -> None:
        """Containers that run and are well."""
        for service in services:
            number = int((self.root / "next").read_text())
            release = (self.root / "release").read_text().strip()
            (self.root / "containers" / str(number)).write_text(f"{service} running healthy {release}\n")
            self.say(next=str(number + 1))

    @property
    def containers(self) -> dict[str, str]:
        """Each container: its service, status, health and release."""
        files = sorted((self.root / "containers").iterdir(), key=lambda file: int(file.name))
        return {file.name: file.read_text().strip() for file in files}

    @property
    def log(self) -> list[str]:
        """What was done to it, in order."""
        return (self.root / "log").read_text().splitlines()

    def run(self, command: Command) -> Result:
        """Runs a script on it."""
        path = f"{self.bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return bash(command, self.root, FAKE=str(self.root), PATH=path)
