# What the ingress says -> `h SIDE SERVER REQUESTS ERRORS` and `a PROXY ADDRESS` for each server of ours.
# An answer that never came is in no answer's count; the server's own count of them is added.
function side(address) {
  if (address == "" || address == "0.0.0.0" || address == "::") return ""
  return fresh == " * " || index(fresh, " " address " ") ? "n" : \
    old == " * " || index(old, " " address " ") ? "o" : ""
}
/^# table: / { table = $3; sub(/,$/, "", table); next }
/ key=[0-9]/ {
  key = good = bad = 0
  for (i = 1; i <= NF; i++) { split($i, pair, "=")
    if (pair[1] == "key") key = pair[2]
    if (pair[1] == "gpc0") good = pair[2]
    if (pair[1] == "gpc1") bad = pair[2] }
  requests[table, key] = good; errors[table, key] = bad; next
}
/^# pxname/ {
  sub(/^# /, ""); count = split($0, name, ",")
  for (i = 1; i <= count; i++) at[name[i]] = i
  next
}
at["addr"] && index(proxies, " " substr($0, 1, index($0, ",") - 1) " ") {
  split($0, f, ",")
  if (f[at["type"]] != 2) next
  address = f[at["addr"]]; sub(/:[0-9]+$/, "", address); gsub(/[][]/, "", address)
  whose = side(address)
  if (whose == "") next
  proxy = f[at["pxname"]]; key = f[at["sid"]]; lost = f[at["eresp"]] + 0
  printf "h %s %s/%s@%s %.0f %.0f\n", whose, proxy, f[at["svname"]], f[at["addr"]], \
    requests[proxy, key] + lost, errors[proxy, key] + lost
  if (whose == "n") print "a", proxy, f[at["addr"]]
}
