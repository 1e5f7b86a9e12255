# Starts Docker Engine, now and whenever the host boots, and waits until it answers; as root.
source lib/reason.bash
source lib/within.bash

answers() { timeout -k 1 10 docker version > /dev/null 2>&1; }

said=
if [ -d /run/systemd/system ]; then
  systemctl enable --now docker > /dev/null || fail "systemd does not start Docker Engine: \`journalctl -u docker\` says why"
# Where something else watches over it, as in a container, that may be about to start it.
elif ! within 15 answers; then
  said=$(service docker start 2>&1)
fi
within 60 answers || fail "Docker Engine does not answer: ${said##*$'\n'}"
