# What a service counts of itself, in Prometheus's format -> `m SIDE KEY REQUESTS ERRORS`, `b SIDE KEY|LE N`.
# Requests for the addresses that we, Docker and the ingress ask all the time are left out.
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
