# Installs what is missing, as root: programs, and Docker from its own packages, else from the distribution's.
#: packages[] the distribution's packages of programs that are missing
#: engine     "yes" where Docker Engine is wanted
#: compose    "yes" where its Compose plugin is
source lib/host_facts.bash
source lib/reason.bash

export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a
command -v apt-get > /dev/null 2>&1 || fail "there is no apt-get"

# Somebody else's apt, as the system's own updates, is waited for; nothing that is there is removed or replaced.
apt() { apt-get -qq -o DPkg::Lock::Timeout=120 -o Dpkg::Options::=--force-confold "$@" < /dev/null; }
index() { apt -o APT::Update::Error-Mode=any update > /dev/null; }
install() { apt install --yes --no-install-recommends --no-remove -- "$@" > /dev/null || fail "apt could not install $*"; }
# All of it is read: a reader that ends early would make apt's program, and with it this, fail.
offered() { [ -n "$(apt-cache show -- "$1" 2> /dev/null)" ]; }

id=$(release ID)
codename=$(release VERSION_CODENAME)
site=https://download.docker.com/linux/$id
list=/etc/apt/sources.list.d/docker.list

# Docker's own packages, where its site answers with what this release of the distribution has.
docker_site() {
  # Said twice, in another form, it would be an error of apt's.
  ! grep -rqs "$site" /etc/apt/sources.list /etc/apt/sources.list.d || return 0
  command -v curl > /dev/null 2>&1 && [ -s /etc/ssl/certs/ca-certificates.crt ] || install curl ca-certificates
  curl -fsS -m 15 -o /dev/null "$site/dists/$codename/Release" 2> /dev/null || return 1
  command install -m 0755 -d /etc/apt/keyrings || return 1
  curl -fsS -m 30 -o /etc/apt/keyrings/docker.asc.new "$site/gpg" || return 1
  mv /etc/apt/keyrings/docker.asc.new /etc/apt/keyrings/docker.asc && chmod a+r /etc/apt/keyrings/docker.asc || return 1
  echo "deb [arch=$(dpkg --print-architecture) signed-by=/etc/apt/keyrings/docker.asc] $site $codename stable" > "$list"
  index || {
    rm -f "$list"
    index
    return 1
  }
}

# An apt that was killed left packages half configured, and refuses to go on with others.
[ -z "$(dpkg --audit)" ] || dpkg --configure -a < /dev/null > /dev/null || fail "dpkg cannot end what was begun before"
index || fail "apt cannot read its package lists; \`apt-get update\` on the host says why"
[ ${#packages[@]} = 0 ] || install "${packages[@]}"

# An engine that is there stays whosever it is: two would fight over the same containers.
if [ "$engine" = yes ]; then
  if docker_site; then
    install docker-ce docker-ce-cli containerd.io docker-buildx-plugin docker-compose-plugin
    echo "Docker Engine and Compose are installed from download.docker.com"
  else
    install docker.io
    echo "Docker Engine is installed from the distribution: download.docker.com did not answer for $id $codename"
  fi
fi
if [ "$compose" = yes ] && ! docker compose version > /dev/null 2>&1; then
  for package in docker-compose-plugin docker-compose-v2 docker-compose; do
    offered "$package" || continue
    # Of docker-compose only the second major is a plugin; the first is a program of its own.
    case $package-$(apt-cache policy "$package" | sed -n 's/^ *Candidate: //p') in docker-compose-1.*) continue ;; esac
    install "$package"
    echo "the Compose plugin is installed, by the package $package"
    break
  done
  docker compose version > /dev/null 2>&1 || fail "no package that apt offers brings Docker Compose 2"
fi
