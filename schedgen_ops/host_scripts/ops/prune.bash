# Removes the build cache, images without a name, and logs of ours that are old; volumes, containers and images with
# a name stay. Prints what Docker says was freed.
#: docker[] the engine's words
#: state    our folder of state
#: days     a log that is older is old
failed=0
"${docker[@]}" builder prune --all --force | tail -n 1 || failed=1
"${docker[@]}" image prune --force | tail -n 1 || failed=1
[ ! -d "$state" ] || find "$state" -name '*.log' -type f -mtime "+$days" -delete || failed=1
exit "$failed"
