# Lines of `observe` -> how often the new containers ended since the watch began, and which are not well: there are
# to be `wanted` of them, and had ended `earlier` times by then.
$3 == release "x" {
  n++; sum += $6 + ($4 == "exited" || $4 == "dead")
  if ($4 != "running" || $5 == "unhealthy") down = down $2 " is " ($4 == "running" ? $5 : $4) ";"
}
END {
  if (n < wanted) down = down "a container is gone;"
  print (n ? sum - earlier : "-"), down
}
