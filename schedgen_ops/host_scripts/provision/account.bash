# Makes who deploys, where nobody has that name; lets the keys in that let in whoever is logged in; as root.
#: account who deploys
#: keys    the file of those keys
source lib/reason.bash

if ! id -u -- "$account" > /dev/null 2>&1; then
  useradd --create-home --shell /bin/bash -- "$account" || fail "useradd made no $account"
  # No password fits, and sshd takes the account for no locked one.
  usermod --password '*' -- "$account" || fail "$account was made and has no password set"
fi
getent group docker > /dev/null || groupadd --system docker || fail "there is no group docker"
# An engine that began before there was the group lets in root alone; it minds the group when it begins anew.
if [ -S /run/docker.sock ] && [ "$(stat -c %G /run/docker.sock)" = root ]; then
  chgrp docker /run/docker.sock || fail "the group docker does not get Docker's socket"
fi
usermod --append --groups docker -- "$account" || fail "$account cannot be put into the group docker"

home=$(getent passwd "$account" | cut -d : -f 6)
group=$(id -gn -- "$account")
if [ -s "$keys" ] && [ ! -e "$home/.ssh/authorized_keys" ]; then
  install -d -m 0700 -o "$account" -g "$group" -- "$home/.ssh" || fail "$account has no folder for its keys"
  install -m 0600 -o "$account" -g "$group" -- "$keys" "$home/.ssh/authorized_keys" || fail "$account did not get the keys"
fi
