# Reads samples; prints `back FIRST RULE TEXT<tab>DETAIL`, `insufficient TOTAL` or `ok TOTAL`. Any awk will do.
# The limits are `-v` variables; `stage` is the number of the sample with which the present stage began.
function back(first, rule, text, detail) {
  if (!done) { done = 1; answer = "back " first " " rule " " text "\t" detail }
}
function exceeded(first, rule, percent, limit, detail) {
  back(first, rule, sprintf("Error rate (%.2f%%) exceeded threshold (%.2f%%)", percent, limit), detail)
}
function known(column, i) { return v[column, i] != "-" }
function share(rule, what, c,   i, first, new, bad, old, old_bad, allowed) {
  new = bad = old = old_bad = first = 0
  for (i = n > window ? n - window + 1 : 1; i <= n; i++) {
    if (known(c, i)) { new += v[c, i]; bad += v[c + 1, i]; if (!first && v[c + 1, i] > 0) first = i }
    if (known(c + 2, i)) { old += v[c + 2, i]; old_bad += v[c + 3, i] }
  }
  if (new < least) return
  allowed = error_percent + (old >= least ? 100 * old_bad / old : 0)
  if (100 * bad / new > allowed) exceeded(first, rule, 100 * bad / new, allowed, bad " of " new " " what)
}
function checks() {
  if ($2 == "-") return
  made++; failures += $2
  if ($2 > 0) { if (!row++) row_at = n } else row = 0
  if (row >= consecutive)
    back(row_at, "checks", row " consecutive health checks failed (limit " consecutive ")", "")
  else if ($2 > 0 && made >= min_checks && 100 * failures / made > error_percent)
    exceeded(n, "checks", 100 * failures / made, error_percent, \
      failures " of " made " rounds of checks failed")
}
function prometheus() {
  if ($11 == "-") return
  if ($11 + 0 > error_percent) { if (!over++) over_at = n } else over = 0
  if (over >= window)
    exceeded(over_at, "prometheus", $11, error_percent, "by Prometheus, " over " times in a row")
}
function latency() {
  if (latency_factor <= 0 || $12 == "-" || $13 == "-") return
  if ($12 + 0 > min_p95 && $12 + 0 > latency_factor * $13) { if (!slow++) slow_at = n } else slow = 0
  if (slow >= window) back(slow_at, "latency", sprintf( \
    "p95 latency (%.0f ms) exceeded %g times that of the release before", 1000 * $12, latency_factor), \
    sprintf("it was %.0f ms; %.0f times in a row", 1000 * $13, slow))
}
function restarted() {
  if ($14 != "-" && restarts >= 0 && $14 + 0 > restarts)
    back(n, "restarts", "Containers ended " $14 " times (limit " restarts ")", "")
}
function memory(   x, y, dx, dy, slope, rest, low) {
  if (leak <= 0 || $15 == "-" || $1 + 0 < warm_up) return
  x = $1 / 60; y = $15 / 1048576
  if (points && x <= last) points = mx = my = xx = xy = yy = 0
  last = x; points++
  dx = x - mx; dy = y - my
  mx += dx / points; my += dy / points
  xx += dx * (x - mx); xy += dx * (y - my); yy += dy * (y - my)
  if (points < leak_samples || points < 3 || xx <= 0) return
  slope = xy / xx; rest = yy - slope * xy; if (rest < 0) rest = 0
  low = slope - 3 * sqrt(rest / (points - 2) / xx)
  if (low > leak) back(n, "memory", sprintf( \
    "Memory grows by at least %.1f MB a minute (limit %g)", low, leak), "over " points " samples")
}
function logs(   i, found, first) {
  found = first = 0
  for (i = n > window ? n - window + 1 : 1; i <= n; i++)
    if (known(16, i)) { found += v[16, i]; if (!first && v[16, i] > 0) first = i }
  if (log_errors >= 0 && found > log_errors)
    back(first, "logs", found " new error lines in the logs (limit " log_errors ")", "")
}
BEGIN { CONVFMT = OFMT = "%.15g"; least = min_requests > 1 ? min_requests : 1 }
NF == 16 {
  n++
  for (i = 1; i <= 16; i++) v[i, n] = $i
  checks(); share("requests", "requests at the ingress", 3)
  share("counters", "requests that the services counted", 7)
  prometheus(); latency(); restarted(); memory(); logs()
  if (n >= stage) {
    if ($3 != "-") { countable = 1; at_ingress += $3 }
    if ($7 != "-") { countable = 1; by_services += $7 }
    if ($11 != "-") asked++
  }
}
END {
  total = (at_ingress > by_services ? at_ingress : by_services) + 0
  if (!done) answer = (countable && total < min_requests && asked + 0 < window ? "insufficient " : "ok ") total
  print answer
}
