# Tells for each span of commits when they were made: a line with the span and seconds since the epoch.
#: spans[] OLD..NEW or NEW^!; one that git does not know any more has no times
for span in "${spans[@]}"; do
  times=$(git log --max-count=500 --format=%ct "$span" -- 2> /dev/null)
  printf '%s %s\n' "$span" "${times//$'\n'/ }"
done
