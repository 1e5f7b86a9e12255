# Text of any kind as a string of JSON, written by bash: a host may have nothing else that can.

# json TEXT: what stands between the quotes, in `json`. What is no UTF-8 becomes U+FFFD; the end of a very
# long text is left out.
json() {
  local LC_ALL=C text=${1:0:2000} plain='[!]^-~ !#-[]' tail='' run size code
  tail=[$'\x80'-$'\xbf'] json=''
  while [ -n "$text" ]; do
    # shellcheck disable=SC2295 # it is a pattern
    run=${text%%$plain*}
    size=${#run}
    [ "$size" -gt 0 ] || case $text in
      [$'\xc2'-$'\xdf']$tail*) size=2 ;;
      $'\xe0'[$'\xa0'-$'\xbf']$tail* | $'\xed'[$'\x80'-$'\x9f']$tail*) size=3 ;;
      [$'\xe1'-$'\xec']$tail$tail* | [$'\xee'-$'\xef']$tail$tail*) size=3 ;;
      $'\xf0'[$'\x90'-$'\xbf']$tail$tail* | $'\xf4'[$'\x80'-$'\x8f']$tail$tail*) size=4 ;;
      [$'\xf1'-$'\xf3']$tail$tail$tail*) size=4 ;;
    esac
    if [ "$size" -gt 0 ]; then json+=${text:0:size}; else
      size=1
      printf -v code %d "'${text:0:1}"
      code=$((code & 255))
      case $code in
        34 | 92) json+=\\${text:0:1} ;;
        *)
          [ "$code" -lt 128 ] || code=65533
          printf -v run '\\u%04x' "$code"
          json+=$run
          ;;
      esac
    fi
    text=${text:size}
  done
}
