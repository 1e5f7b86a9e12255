# Tells what can be removed without anybody missing it: `images COUNT BYTES?` as Docker words it, `cache SIZE`, and
# `log PATH` for each log of ours that is old.
#: docker[] the engine's words
#: state    our folder of state
#: days     a log that is older is old
"${docker[@]}" system df --format '{{.Type}}'$'\t''{{.Reclaimable}}'$'\t''{{.TotalCount}}' || exit
printf 'dangling\t%s\t\n' "$("${docker[@]}" images --quiet --filter dangling=true | sort -u | wc -l)"
find "$state" -name '*.log' -type f -mtime "+$days" -printf 'log\t%s\t%p\n' 2> /dev/null
exit 0
