# `ADDRESS EXPIRY` for each TLS port, the expiry as openssl writes it; `ADDRESS -` where none could be read.
#: addresses[] host:port each
command -v openssl > /dev/null || {
  echo "there is no openssl on the host" >&2
  exit 1
}
for address in "${addresses[@]}"; do
  name=${address%:*}
  end=$(timeout 15 openssl s_client -connect "$address" -servername "${name//[][]/}" < /dev/null 2> /dev/null |
    openssl x509 -noout -enddate 2> /dev/null)
  printf '%s %s\n' "$address" "${end#notAfter=}" | sed 's/ $/ -/'
done
