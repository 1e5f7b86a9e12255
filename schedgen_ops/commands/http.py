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
    code=$? rest=${out%$'\n'*} out=${out##*$'\n'}
    # A status of an answer that did not come whole is none.
    [ "$code" -eq 0 ] || out="000 ${out#* }"
    answer="$out ${rest//$'\n'/ } "; return
  fi
  case $url in http://*) ;; *) answer="000 0 https needs curl on the host"; return ;; esac
  rest=${url#http://}; path=/${rest#*/}; [ "$rest" != "${rest#*/}" ] || path=/
  host=${rest%%/*}; port=${host##*:}; [ "$port" != "$host" ] || port=80; host=${host%:*}
  start=${EPOCHREALTIME/[.,]/}
  code=$(LC_ALL=C timeout "$limit" bash -c '
    exec 3<>"/dev/tcp/$1/$2" || exit
    printf "GET %s HTTP/1.0\r\nHost: %s\r\nUser-Agent: schedgen_ops\r\n\r\n" "$3" "$1" >&3
    IFS=" " read -r _ code _ <&3 || exit
    while IFS= read -r line <&3 && line=${line%$'"'\r'"'} && [ -n "$line" ]; do
      case ${line,,} in
        content-length:*[0-9]) length=${line##*[!0-9]} ;;
        content-type:*text*|content-type:*json*|content-type:*xml*|content-type:*script*) text=yes ;;
      esac
    done
    # bash counts no NUL byte: of what may have some, the length is not looked at.
    if [ "${length:-0}" -gt 0 ] && [ -n "$text" ] && [ "$code" != 304 ]; then
      IFS= read -r -N "$length" line <&3
      [ "${#line}" -eq "$length" ] || exit
    else cat <&3 >/dev/null; fi
    printf %s "$code"
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
  local rest=${2#http://} name port=80 path socket LC_ALL=C
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
  { answer "$3" "$4" <&"$socket"; } 2>/dev/null
  trap - PIPE
  exec {socket}>&-
}
# Head and body of what comes on stdin, in $1 seconds, at most $2 bytes. What was sent in chunks is put
# together by their lengths, and the head does not speak of them any more.
answer() {
  local line head='' chunked='' whole='' until='' left=() timed=() room=$2
  if [ "$1" != 0 ]; then
    line=${1#*.}000000; [ "$1" != "${1#*.}" ] || line=000000
    until=$((${EPOCHREALTIME/[.,]/} + ${1%%.*} * 1000000 + 10#${line:0:6}))
  fi
  while patient && IFS= read -r "${left[@]}" line; do
    line=${line%$'\r'}
    case $line:${line,,} in
      :) [[ ! $head =~ ^HTTP/[0-9.]+\ 1[0-9][0-9] ]] || { head=''; continue; }; whole=yes; break ;;
      *:transfer-encoding:*chunked*) chunked=yes ;;
      *) head+=$line$'\r\n' ;;
    esac
  done
  [ -n "$whole" ] || {
    problem="no answer"; [ -z "$head$line" ] || problem="the answer ended in its head"
    patient || problem="no answer within $1 s"; return; }
  printf '%s\r\n' "$head"; room=$((room - ${#head} - 2))
  if [ -n "$chunked" ]; then chunks
  elif [ -z "$until" ]; then IFS= read -r -N "$room" line; printf '%s' "$line"
  else patient; "${timed[@]}" head -c "$room" || problem="no answer within $1 s"; fi
}
# Whether there is time left, and how much.
patient() {
  [ -n "$until" ] || return 0
  local rest=$((until - ${EPOCHREALTIME/[.,]/}))
  [ "$rest" -gt 0 ] || return
  printf -v rest '%d.%06d' "$((rest / 1000000))" "$((rest % 1000000))"
  left=(-t "$rest") timed=(timeout "$rest")
}
chunks() {
  local size
  while patient && IFS= read -r "${left[@]}" line; do
    size=${line%%[!0-9a-fA-F]*}
    [ -n "$size" ] && [ "${#size}" -le 8 ] || { problem="the answer is in no sound chunks"; return; }
    size=$((16#$size))
    [ "$size" -gt 0 ] || return 0
    if [ "$size" -gt "$room" ]; then "${timed[@]}" head -c "$room"; return; fi
    "${timed[@]}" head -c "$size"; room=$((room - size))
    patient && IFS= read -r "${left[@]}" line && [ -z "${line%$'\r'}" ] || break
  done
  problem="the answer was cut off"
}
curled() {
  command -v curl >/dev/null 2>&1 || { echo 'https needs curl on the host' >&2; return; }
  local with=()
  [ -z "$5" ] || with=(--header "Content-Type: $5" --header 'Expect:' --data-binary @-)
  curl --silent --show-error --include --max-time "$3" --request "$1" --header 'User-Agent: schedgen_ops' \
    "${with[@]}" -- "$2" | sed '1,/^\r*$/ { /^[Tt]ransfer-[Ee]ncoding:/d; }' | head -c "$4"
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
_SIZE = re.compile(rb"[0-9a-fA-F]{1,8}(?=[;\s]|\Z)")
_CHUNKED = re.compile(r"^transfer-encoding:.*chunked", re.IGNORECASE | re.MULTILINE)
_LENGTH = re.compile(r"^content-length:\s*(\d{1,15})\s*$", re.IGNORECASE | re.MULTILINE)
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
    seconds, cut = int(micros) / 1e6, len(raw.encode()) >= MOST
    found = _STATUS.match(raw)
    head, _, body = raw.partition("\r\n\r\n")
    if found and _CHUNKED.search(head):
        body, problem = _joined(body.encode(), problem)
    problem = problem or _short(head, body, int(found[1]) if found else 0)
    if not found or (problem and not cut):
        return Reply(0, seconds, error=problem or "no answer")
    return Reply(int(found[1]), seconds, body, cut=cut)


def _joined(data: bytes, problem: str) -> tuple[str, str]:
    """What chunks hold, and what is wrong with them. A body may have lines that look like theirs."""
    pieces: list[bytes] = []
    while size := _SIZE.match(data):
        count = int(size[0], 16)
        _, _, data = data.partition(b"\r\n")
        if not count:
            return b"".join(pieces).decode(errors="replace"), problem
        pieces.append(data[:count])
        if data[count : count + 2] != b"\r\n":
            break
        data = data[count + 2 :]
    return b"".join(pieces).decode(errors="replace"), problem or "the answer was cut off"


def _short(head: str, body: str, status: int) -> str:
    """How a body is shorter than its head says; "" if not. What is no text lost bytes on the way here."""
    length = _LENGTH.search(head)
    if not length or status in (204, 304) or "\ufffd" in body or len(body.encode()) >= int(length[1]):
        return ""
    return f"the answer was cut off after {len(body.encode())} of {length[1]} bytes"
