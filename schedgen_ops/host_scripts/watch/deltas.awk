# Snapshots of counters, their lines marked q (a window ago), p (the last one) and c (now) -> the eleven
# middle columns of a sample; then a line for each of the ingress's proxies, with its first four. Latency is
# that of a whole window: whatever is slow is answered seldom.
# A counter that runs backwards began anew: what it counted in between is unknown.
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
