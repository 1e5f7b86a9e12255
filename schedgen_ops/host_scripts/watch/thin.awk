# Every second round is counted alone, as `counted NUMBER CLASS HOW_MANY`: of the good ones, of all of them with
# `all`. The last one stays. What a round said of logs, and of processes that ran out of memory, goes into the next
# that stays: each kind of line once, with how many there were.
function flush_counts() {
  if (many) printf "counted\t%s\t%s\t%s\n", last, class, many
  many = 0
}
function add_counts(number, kind, more) {
  if (many && kind != class) flush_counts()
  class = kind
  many += more
  last = number
}
function carry(    n, parts) {
  for (n = 1; n <= size; n++) {
    if (text[n] ~ /^log\t/) {
      split(text[n], parts, "\t")
      key = parts[2] "\t" parts[4]
      if (!(key in sum)) {
        if (kinds >= 300) continue
        order[++kinds] = key
        example[key] = parts[5]
      }
      sum[key] += parts[3]
    } else if (text[n] ~ /^(oom|unread)\t/ && !(text[n] in other)) {
      other[text[n]] = 1
      others[++rest] = text[n]
    }
  }
}
function give(    n) {
  if (kinds && !looked) print "looked"
  for (n = 1; n <= kinds; n++) {
    split(order[n], parts, "\t")
    printf "log\t%s\t%d\t%s\t%s\n", parts[1], sum[order[n]], parts[2], example[order[n]]
    delete sum[order[n]]
  }
  for (n = 1; n <= rest; n++) {
    print others[n]
    delete other[others[n]]
  }
  kinds = rest = 0
}
function stay(    n) {
  flush_counts()
  looked = 0
  for (n = 1; n < size; n++) {
    print text[n]
    if (text[n] == "looked") looked = 1
  }
  give()
  print text[size]
}
# held: a round that goes, unless it is the last.
function settle_held(    n) {
  if (!held) return
  size = held
  for (n = 1; n <= held; n++) text[n] = kept[n]
  carry()
  add_counts(held_number, held_class, 1)
  held = 0
}
BEGIN { FS = "\t" }
$1 == "counted" {
  settle_held()
  add_counts($2, $3, $4)
  next
}
$1 == "round" { count = 0 }
{ lines[++count] = $0 }
$1 == "judged" { now = $2 }
$1 == "end" {
  settle_held()
  size = count
  for (n = 1; n <= count; n++) text[n] = lines[n]
  turn = (all || now == "good") ? !turn : 0
  if (turn) {
    held = count
    held_number = $2
    held_class = now
    for (n = 1; n <= count; n++) kept[n] = lines[n]
  } else stay()
  count = 0
}
END {
  if (held) {
    size = held
    for (n = 1; n <= held; n++) text[n] = kept[n]
    stay()
  }
  flush_counts()
}
