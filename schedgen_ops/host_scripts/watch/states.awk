# Lines of `container_states` -> how often the new containers ended since the watch began, and which are not well:
# there are to be `wanted` of them, and had ended `earlier` times by then.
BEGIN { FS = "\t" }
$4 "" == release {
  n++; sum += $7 + ($5 == "exited" || $5 == "dead")
  if ($5 != "running" || $6 == "unhealthy") down = down $3 " is " ($5 == "running" ? $6 : $5) ";"
}
END {
  if (n < wanted) down = down "a container is gone;"
  print (n ? sum - earlier : "-"), down
}
