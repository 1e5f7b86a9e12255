"""What the ingress and the services have counted, read by awk on the host. Pure."""

from __future__ import annotations

# What the ingress says -> `h SIDE SERVER REQUESTS ERRORS` and `a PROXY ADDRESS` for each server of ours.
# An answer that never came is in no answer's count; the server's own count of them is added.
INGRESS = r"""
function side(address) {
  if (address == "" || address == "0.0.0.0") return ""
  return index(fresh, " " address " ") ? "n" : index(old, " " address " ") ? "o" : ""
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
  split(f[at["addr"]], part, ":"); whose = side(part[1])
  if (whose == "") next
  proxy = f[at["pxname"]]; key = f[at["sid"]]; lost = f[at["eresp"]] + 0
  printf "h %s %s/%s@%s %.0f %.0f\n", whose, proxy, f[at["svname"]], f[at["addr"]], \
    requests[proxy, key] + lost, errors[proxy, key] + lost
  if (whose == "n") print "a", proxy, f[at["addr"]]
}
"""

# What a service counts of itself, in Prometheus's format -> `m SIDE KEY REQUESTS ERRORS`, `b SIDE KEY|LE N`.
# Requests for the addresses that we, Docker and the ingress ask all the time are left out.
COUNTERS = r"""
function ours(text,   i) {
  for (i = 1; i <= own; i++) if (index(text, "=\"" path[i] "\"")) return 1
  return 0
}
BEGIN { own = split(paths, path, " ") }
index($0, requests "{") == 1 && !ours($0) {
  value = $0; sub(/^.*\}[ \t]*/, "", value); split(value, word, " ")
  some = 1; total += word[1]
  if ($0 ~ /(status|code|status_code)="5[0-9xX][0-9xX]"/) bad += word[1]
}
index($0, latency "_bucket{") == 1 && !ours($0) && match($0, /le="[^"]*"/) {
  le = substr($0, RSTART + 4, RLENGTH - 5)
  value = $0; sub(/^.*\}[ \t]*/, "", value); split(value, word, " ")
  bucket[le] += word[1]
}
index($0, "# TYPE " requests " ") == 1 { some = 1 }
END {
  if (some) printf "m %s %s %.0f %.0f\n", side, key, total, bad
  for (le in bucket) printf "b %s %s|%s %.0f\n", side, key, le, bucket[le]
}
"""

# Snapshots of counters, their lines marked q (a window ago), p (the last one) and c (now) -> the eleven
# middle columns of a sample; then a line for each of the ingress's proxies, with its first four. Latency is
# that of a whole window: whatever is slow is answered seldom.
# A counter that runs backwards began anew: what it counted in between is unknown.
DELTAS = r"""
BEGIN { CONVFMT = "%.15g" }
function put(kind, side,   text) {
  text = seen[kind, side] ? sprintf("%.0f %.0f", good[kind, side], bad[kind, side]) : "- -"
  return text
}
function quantile(side,   i, j, swap, count, total, wanted, below, low, high) {
  count = 0
  for (i in le) {
    split(i, part, SUBSEP)
    if (part[1] == side && part[2] != "+Inf") edge[++count] = part[2] + 0
  }
  for (i = 2; i <= count; i++) for (j = i; j > 1 && edge[j - 1] > edge[j]; j--) {
    swap = edge[j]; edge[j] = edge[j - 1]; edge[j - 1] = swap
  }
  total = inf[side]
  if (!count || total < least || total <= 0) return "-"
  wanted = 0.95 * total; below = 0; low = 0
  for (i = 1; i <= count; i++) {
    high = sum[side, edge[i]]
    if (high >= wanted)
      return sprintf("%.6f", low + (edge[i] - low) * (high > below ? (wanted - below) / (high - below) : 1))
    below = high; low = edge[i]
  }
  return sprintf("%.6f", edge[count])
}
$1 == "q" { past[$3, $4] = $5; next }
$1 == "p" { if (NF >= 5) before[$2, $3, $4] = $5; if (NF >= 6) before_bad[$2, $3, $4] = $6; next }
$2 == "h" || $2 == "m" {
  k = $2 SUBSEP $3 SUBSEP $4
  if (!(k in before) || $5 < before[k] || $6 < before_bad[k]) next
  seen[$2, $3] = 1; good[$2, $3] += $5 - before[k]; bad[$2, $3] += $6 - before_bad[k]
  if ($2 == "m") next
  proxy = $4; sub(/\/.*/, "", proxy); each[proxy] = 1
  seen[proxy, $3] = 1; good[proxy, $3] += $5 - before[k]; bad[proxy, $3] += $6 - before_bad[k]
}
$2 == "b" {
  k = $3 SUBSEP $4; edges = $4; sub(/^.*\|/, "", edges)
  if (!lifetime && (!(k in past) || $5 < past[k])) next
  if (edges == "+Inf") inf[$3] += $5 - past[k]
  else { le[$3, edges] = 1; sum[$3, edges + 0] += $5 - past[k] }
}
END {
  if (lifetime) { print quantile("o"); exit }
  fresh = quantile("n"); old = quantile("o"); if (old == "-") old = base
  print put("h", "n"), put("h", "o"), put("m", "n"), put("m", "o"), percent, fresh, old
  for (proxy in each) print proxy, put(proxy, "n"), put(proxy, "o")
}
"""
