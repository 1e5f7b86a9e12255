# The newest list of `docker stats`, `ID USED / LIMIT` a line -> bytes in use, "-" unless it has `wanted` containers.
BEGIN {
  unit["B"] = 1; unit["kB"] = 1000; unit["KiB"] = 1024; unit["MiB"] = 1048576; unit["GiB"] = 1073741824
}
{
  if (match($2, /[A-Za-z]+$/) && substr($2, RSTART) in unit)
    used[$1] = substr($2, 1, RSTART - 1) * unit[substr($2, RSTART)]
  else delete used[$1]
}
END {
  for (id in used) { count++; sum += used[id] }
  if (count == wanted) printf "%.0f", sum; else printf "-"
}
