# What is noted of visitors who are turned away, for `inv status`: in `folder`, the ingress's. A note is true, or is not
# there.
source lib/files.bash
source lib/rollout.bash
source lib/proxy.bash

let_in() { proxy_let_in && rm -f "$folder/closed"; }
# Once the ingress was configured: who was turned away still is, or the operator is told and nothing is noted. Ends
# with 1 where the ingress does not tell within 20 s; that is said too, and the note stays.
keep_away() {
  local note=$folder/closed kept what
  [ -s "$note" ] || return 0
  proxy_lost=()
  within 20 ingress_told
  read -r what < "$note"
  case $kept in
    0) [ "${#proxy_lost[@]}" -eq 0 ] || note_lost ;;
    2)
      proxy_let_in
      rm -f "$note"
      say "Visitors are let in: the ingress as it is configured now turns nobody away, though it was noted that" \
        "${what:0:200}"
      ;;
    *)
      say "It is not known whether visitors are still turned away: the ingress does not answer. \`inv ops.maintenance" \
        "off\`, or on, settles it"
      return 1
      ;;
  esac
}
ingress_told() {
  proxy_keep_away
  kept=$?
  [ "$kept" -ne 1 ]
}
# Who turned them away stays the last word of the note, and since when its time.
note_lost() {
  local lost="${proxy_lost[*]}"
  printf '%s, not those of %s any more (%s\n' "${what%% (*}" "${lost// /, }" "${what#* (}" > "$folder/.closed" &&
    touch -r "$note" "$folder/.closed" && durable "$folder/.closed" "$note"
  say "Visitors of ${lost// /, } are let in: the ingress does not lead to it any more"
}
