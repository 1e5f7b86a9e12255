source lib/visited.bash

# by_curl URL SECONDS: sets `answer`: status, seconds, error. One process for a request.
# shellcheck disable=SC2034 # whoever calls reads it
by_curl() {
  local limit=$2 out rest code visit
  command -v curl > /dev/null 2>&1 || {
    answer="000 0 https needs curl on the host"
    return
  }
  for_curl "$1"
  # Whatever curl says goes before the last line, which is ours.
  out=$(curl --silent --show-error --output /dev/null --max-time "$limit" \
    --header 'User-Agent: schedgen_ops' --write-out '\n%{http_code} %{time_total}' "${visit[@]}" 2>&1)
  code=$? rest=${out%$'\n'*} out=${out##*$'\n'}
  # A status of an answer that did not come whole is none.
  [ "$code" -eq 0 ] || out="000 ${out#* }"
  answer="$out ${rest//$'\n'/ } "
}
