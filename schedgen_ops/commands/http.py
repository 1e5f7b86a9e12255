"""One HTTP request from the host itself: by curl where there is one, else by bash alone."""

from __future__ import annotations

import re
from dataclasses import dataclass

from schedgen_ops.shell import Command, call, script

# `request` sets `answer`, `get` prints it: status, seconds, error. $1 the URL, $2 the most time it may take,
# in seconds. With curl that is one process for a request.
GET = r"""
request() {
  local url=$1 limit=$2 out rest host port path code start took
  if command -v curl >/dev/null 2>&1; then
    # Whatever curl says goes before the last line, which is ours.
    out=$(curl --silent --show-error --output /dev/null --max-time "$limit" \
      --header 'User-Agent: schedgen_ops' --write-out '\n%{http_code} %{time_total}' -- "$url" 2>&1)
    rest=${out%$'\n'*}; answer="${out##*$'\n'} ${rest//$'\n'/ } "; return
  fi
  case $url in http://*) ;; *) answer="000 0 https needs curl on the host"; return ;; esac
  rest=${url#http://}; path=/${rest#*/}; [ "$rest" != "${rest#*/}" ] || path=/
  host=${rest%%/*}; port=${host##*:}; [ "$port" != "$host" ] || port=80; host=${host%:*}
  start=${EPOCHREALTIME/[.,]/}
  code=$(timeout "$limit" bash -c '
    exec 3<>"/dev/tcp/$1/$2" || exit
    printf "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: schedgen_ops\r\n\r\n" "$3" "$1" >&3
    IFS=" " read -r _ code _ <&3 && cat <&3 >/dev/null && printf %s "$code"
    ' bash "$host" "$port" "$path" 2>/dev/null)
  took=$((${EPOCHREALTIME/[.,]/} - start))
  printf -v answer '%s %d.%06d ' "${code:-000}" "$((took / 1000000))" "$((took % 1000000))"
  [ -n "$code" ] || answer+='no answer'
}
get() { local answer; request "$@"; printf '%s\n' "$answer"; }
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


# fetch METHOD URL LIMIT MOST [TYPE LENGTH]: the raw answer, at most MOST bytes of it, then a mark and on the
# last line microseconds and what went wrong. A body to send is on stdin. Plain HTTP takes no curl, and where
# it can no other program: starting one costs more than most answers do.
FETCH = r"""
plain() {
  local rest=${2#http://} name port=80 path socket body LC_ALL=C
  path=/${rest#*/}; [ "$rest" != "${rest#*/}" ] || path=/
  name=${rest%%/*}; rest=$name
  case $name in
    \[*\]:* | [!\[]*:*) port=${name##*:}; name=${name%:*} ;;
  esac
  name=${name#[}; name=${name%]}
  { exec {socket}<>"/dev/tcp/$name/$port"; } 2>/dev/null ||
    { problem="no connection to $name port $port"; return; }
  # Whoever closes the connection at once must not end us with it.
  trap '' PIPE
  { printf '%s\r\n' "$1 $path HTTP/1.1" "Host: $rest" 'User-Agent: schedgen_ops' 'Accept: */*' \
      'Connection: close'
    [ -z "$5" ] || printf 'Content-Type: %s\r\nContent-Length: %s\r\n' "$5" "$6"
    printf '\r\n'
    [ -z "$5" ] || timeout "$3" cat; } >&"$socket" 2>/dev/null
  if [ "$3" = 0 ]; then IFS= read -r -N "$4" body <&"$socket"; printf '%s' "$body"
  else timeout "$3" head -c "$4" <&"$socket" || problem="no answer within $3 s"; fi 2>/dev/null
  trap - PIPE
  exec {socket}>&-
}
curled() {
  command -v curl >/dev/null 2>&1 || { echo 'https needs curl on the host' >&2; return; }
  local with=()
  [ -z "$5" ] || with=(--header "Content-Type: $5" --header 'Expect:' --data-binary @-)
  curl --silent --show-error --include --max-time "$3" --request "$1" --header 'User-Agent: schedgen_ops' \
    "${with[@]}" -- "$2" | head -c "$4"
}
fetch() {
  local start=${EPOCHREALTIME/[.,]/} problem=''
  set -- "$1" "$2" "$3" "$4" "${5-}" "${6-}"
  case $2 in
    http://*) plain "$@" ;;
    *) { problem=$(curled "$@" 2>&1 >&4); } 4>&1 ;;
  esac
  printf '\n\036%s %s\n' "$((${EPOCHREALTIME/[.,]/} - start))" "${problem//$'\n'/ }"
}
"""
MOST = 256 * 1024
_CHUNK = re.compile(r"(?:\A|\r\n)[0-9a-fA-F]{1,8}(?:;[^\r\n]*)?\r\n")
_STATUS = re.compile(r"HTTP/[\d.]+ (\d{3})")


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer with its body.

    Attributes:
        status: the HTTP status, 0 where no answer came.
        error: why none came.
        cut: whether the body was longer than what is kept.
    """

    status: int
    seconds: float
    body: str = ""
    error: str = ""
    cut: bool = False


def fetch(url: str, limit: float) -> Command:
    """GET `url` with its body, given up after `limit` seconds; 0 leaves that to whoever runs it."""
    return call(FETCH, "fetch", "GET", url, f"{limit:g}", str(MOST), title=f"GET {url}")


def post(url: str, limit: float, kind: str, body: bytes) -> Command:
    """POST a body of the content type `kind` to `url`."""
    words = (url, f"{limit:g}", str(MOST), kind, str(len(body)))
    return call(FETCH, "fetch", "POST", *words, title=f"POST {url}").with_stdin(body)


def parse_reply(stdout: str) -> Reply:
    """Reads the answer of `fetch`.

    Raises:
        ValueError: for anything else.
    """
    raw, mark, last = stdout.rpartition("\n\x1e")
    if not mark:
        raise ValueError(f"no answer of fetch: {stdout[-100:]!r}")
    micros, _, problem = last.strip().partition(" ")
    seconds = int(micros) / 1e6
    found = _STATUS.match(raw)
    if not found:
        return Reply(0, seconds, error=problem or "no answer")
    head, _, body = raw.partition("\r\n\r\n")
    if re.search(r"^transfer-encoding:.*chunked", head, re.IGNORECASE | re.MULTILINE):
        body = _CHUNK.sub("", body)
    return Reply(int(found[1]), seconds, body, cut=len(raw.encode()) >= MOST)
