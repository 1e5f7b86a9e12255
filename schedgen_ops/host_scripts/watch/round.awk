# Whether a round was good, failed or unknown, by its lines: as `WatchStats` judges it. An answer or an engine that
# told nothing makes it unknown, unless something else failed.
BEGIN {
  urls = split(within, most, " ")
  split(wanted, status, " ")
  known = 1
}
$1 == "http" && $2 ~ /^[0-9]+$/ && split($3, said, " ") >= 2 && said[1] ~ /^[0-9]+$/ && said[2] ~ /^[0-9.]+$/ {
  n = $2 + 1
  asked[n] = 1
  good = status[n] == "-" ? said[1] >= 200 && said[1] < 400 : said[1] + 0 == status[n] + 0
  if (!good || said[2] + 0 > most[n] + 0) bad = 1
}
$1 == "containers" { engine = 1 }
$1 == "container" && engine && NF == 13 {
  have[$4] = 1
  job = 0
  count = split($13, need, ",")
  for (n = 1; n <= count; n++) if (need[n] ~ /:service_completed_successfully/) {
    sub(/:.*/, "", need[n])
    jobs[need[n]] = 1
    if (need[n] == $4) job = 1
  }
  if (index(" " services " ", " " $4 " ") && !($6 == "running" && ($7 == "-" || $7 == "healthy"))) {
    # Ours tell of themselves that they are jobs; of others, those tell that wait for them.
    if ($6 != "exited" || $12 != "0" || ($5 != "-" && !job)) bad = 1
    else ended[$4] = 1
  }
}
END {
  for (n = 1; n <= urls; n++) if (!asked[n]) known = 0
  if (!engine) known = 0
  else {
    count = split(services, name, " ")
    for (n = 1; n <= count; n++) if ((!have[name[n]] || ended[name[n]]) && !jobs[name[n]]) bad = 1
  }
  print bad ? "failed" : known ? "good" : "unknown"
}
