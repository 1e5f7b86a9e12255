# The parts of a URL of plain HTTP.
# shellcheck disable=SC2034 # who calls declares and reads them

# parts_of URL: `authority`, as a Host header has it, and of it `name` and `port`; and `path`.
parts_of() {
  local rest=${1#http://}
  path=/${rest#*/}
  [ "$rest" != "${rest#*/}" ] || path=/
  authority=${rest%%/*} name=${rest%%/*} port=80
  case $name in
    \[*\]:* | [!\[]*:*)
      port=${name##*:}
      name=${name%:*}
      ;;
  esac
  name=${name#[}
  name=${name%]}
}
