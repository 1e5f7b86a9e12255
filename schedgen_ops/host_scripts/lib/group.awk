# Lines that speak of trouble, those alike as one: COUNT, PATTERN, EXAMPLE. What differs from line to line
# (numbers, ids, times) is a # in the pattern.
{
    pattern = $0
    gsub(/[0-9a-fA-F]+-[0-9a-fA-F]+-[0-9a-fA-F]+-[0-9a-fA-F]+-[0-9a-fA-F]+/, "#", pattern)
    gsub(/0x[0-9a-fA-F]+/, "#", pattern)
    gsub(/[0-9][0-9.,:T_-]*[0-9]Z?|[0-9]/, "#", pattern)
    gsub(/[0-9a-fA-F]*#[0-9a-fA-F#]*/, "#", pattern)
    if (!(pattern in count) && kinds++ >= 300) next
    if (!count[pattern]++) example[pattern] = $0
  } END { for (pattern in count) print count[pattern] "\t" pattern "\t" example[pattern] }
