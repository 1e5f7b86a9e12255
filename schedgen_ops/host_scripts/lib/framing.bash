# schedgen_whole WHO NAME...: the parts of the input into variables. Nothing may come behind them, but to a "held"
# command, whose input stays open.
schedgen_whole() {
  local LC_ALL=C schedgen_sizes schedgen_size schedgen_all='' schedgen_more='' schedgen_held=$1
  shift
  IFS= read -r schedgen_sizes || schedgen_sizes=
  schedgen_size=$((${schedgen_sizes// /+}))
  [ "$schedgen_size" -eq 0 ] || IFS= read -r -N "$schedgen_size" schedgen_all
  [ "$schedgen_held" = held ] || IFS= read -r -N 1 schedgen_more
  if [ -z "$schedgen_sizes" ] || [ "${#schedgen_all}" -ne "$schedgen_size" ] || [ -n "$schedgen_more" ]; then
    echo "its input did not arrive whole (${#schedgen_all} of ${schedgen_size/#0/?} bytes): nothing was run" >&2
    exit 74
  fi
  for schedgen_size in $schedgen_sizes; do
    printf -v "$1" %s "${schedgen_all:0:schedgen_size}"
    schedgen_all=${schedgen_all:schedgen_size}
    shift
  done
}
