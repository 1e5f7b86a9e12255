# Asks published ports what they speak, as a client would find it out: a line each, `DOOR http|tls|tcp|nothing`.
# `nothing` is for a port that takes no connection, or says nothing to either question.
#: doors[]  ADDRESS/PORT each
#: limit    seconds that an answer may take
trap '' PIPE
export LC_ALL=C

# A ClientHello of TLS 1.2 (RFC 5246, 7.4.1.2) that any server of TLS answers, be it by an alert.
hello() {
  local ciphers='\x00\x0c\xc0\x2f\xc0\x30\xc0\x2b\xc0\x2c\x00\x9c\x00\x2f'
  printf '\x16\x03\x01\x00\x37\x01\x00\x00\x33\x03\x03%s\x00%b\x01\x00' 'schedgen_ops asks what is spoken' "$ciphers"
}
# The first $2 bytes that the connection 4 says to what $3 prints, into $1; those before a NUL, `?` for that alone.
said() {
  local text=''
  # Whoever hung up meanwhile may have answered before.
  "$3" >&4 || :
  ! IFS= read -r -d '' -n "$2" -t "$limit" text <&4 || text=${text:-?}
  printf -v "$1" '%s' "$text"
}
# In one go: what is printed goes out line by line, and who answers the first one may hang up on the second.
asking() {
  cat <<< $'GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: schedgen_ops\r\nConnection: close\r\n\r'
}
spoken() {
  local first='' second=''
  { exec 4<> "/dev/tcp/$1" && said first 12 asking && exec 4<&-; } || {
    echo "$1 nothing"
    return
  }
  # A server of TLS may answer plain HTTP with this status, to say that it is none.
  [[ $first != HTTP/1.?\ [2-5]?? || $first = *' 400' ]] || {
    echo "$1 http"
    return
  }
  { exec 4<> "/dev/tcp/$1" && said second 1 hello && exec 4<&-; } || second=''
  case $second:$first in
    $'\x16':* | $'\x15':*) echo "$1 tls" ;;
    *:HTTP/1.*) echo "$1 http" ;;
    :) echo "$1 nothing" ;;
    *) echo "$1 tcp" ;;
  esac
}
for door in "${doors[@]}"; do spoken "$door" 2> /dev/null & done
wait
