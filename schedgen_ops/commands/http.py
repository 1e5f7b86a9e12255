"""One HTTP request from the host itself: by curl where there is one, else by bash alone."""

from __future__ import annotations

from dataclasses import dataclass

from schedgen_ops.shell import Command, script

# Prints: status, seconds, error. $1 the URL, $2 the longest time it may take in seconds.
GET = r"""
get() {
  local url=$1 limit=$2 out rest host port path code start
  if command -v curl >/dev/null 2>&1; then
    # Whatever curl says goes before the last line, which is ours.
    out=$(curl --silent --show-error --output /dev/null --max-time "$limit" \
      --header 'User-Agent: schedgen_ops' --write-out '\n%{http_code} %{time_total}' -- "$url" 2>&1)
    printf '%s %s\n' "${out##*$'\n'}" "$(tr '\n' ' ' <<< "${out%$'\n'*}")"; return
  fi
  case $url in http://*) ;; *) echo "000 0 https needs curl on the host"; return ;; esac
  rest=${url#http://}; path=/${rest#*/}; [ "$rest" != "${rest#*/}" ] || path=/
  host=${rest%%/*}; port=${host##*:}; [ "$port" != "$host" ] || port=80; host=${host%:*}
  start=${EPOCHREALTIME/,/.}
  code=$(timeout "$limit" bash -c '
    exec 3<>"/dev/tcp/$1/$2" || exit
    printf "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: schedgen_ops\r\n\r\n" "$3" "$1" >&3
    IFS=" " read -r _ code _ <&3 && cat <&3 >/dev/null && printf %s "$code"
    ' bash "$host" "$port" "$path" 2>/dev/null)
  awk -v code="${code:-000}" -v a="$start" -v b="${EPOCHREALTIME/,/.}" \
    'BEGIN { printf "%s %.6f %s\n", code, b - a, code == "000" ? "no answer" : "" }'
}
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request got.

    Attributes:
        status: the HTTP status, 0 where no answer came.
        seconds: from the start of the request to the end of the answer.
        error: why no answer came.
    """

    status: int
    seconds: float
    error: str = ""


def get(url: str, limit: float) -> Command:
    """GET `url`, given up after `limit` seconds."""
    return script(GET + 'get "$1" "$2"', url, f"{limit:g}", title=f"GET {url}")


def parse_answer(stdout: str) -> Answer:
    """Reads the answer of `get`.

    Raises:
        ValueError: for anything else.
    """
    status, seconds, *error = stdout.split(maxsplit=2)
    return Answer(int(status), float(seconds), " ".join(error).strip())
