# Makes the project's directory, or gives it to who deploys where it is empty; as root.
#: account   who deploys
#: directory the project's
source lib/reason.bash

group=$(id -gn -- "$account") || fail "there is no user $account"
if [ -e "$directory" ]; then
  # It is somebody's who put something there meanwhile.
  rmdir -- "$directory" 2> /dev/null || fail "$directory is not empty"
fi
install -d -m 0755 -o "$account" -g "$group" -- "$directory" || fail "$directory cannot be made"
