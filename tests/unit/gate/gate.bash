# A gate, the proxy that tests/unit/test_proxy_own.py adds; lib/proxy.bash says what each function does. A program in
# its container, `gate`, has a word for each.
gate() { "${docker[@]}" exec "$ingress" gate "$@" < /dev/null; }

proxy_open() { :; }
proxy_hold() { gate hold "$@"; }
proxy_invite() { gate invite "$@"; }
proxy_dismiss() { gate dismiss; }
proxy_guests() {
  gate guests > /dev/null && proxy_at=
}
proxy_hush() { gate hush; }
proxy_forgo() { gate forgo; }
proxy_seen_up() { [ "$(gate up "$1" "$2")" -ge "$3" ]; }
proxy_weigh() { gate weigh "$@"; }
proxy_admit() { gate admit "$@"; }
proxy_drain() { gate drain "$@"; }
proxy_idle() {
  local open
  open=$(gate open "$@") || return 2
  [ "$open" -eq 0 ]
}
proxy_settle() { gate settle "$@"; }
proxy_answering() { gate answering; }
proxy_serving() { gate serving; }
proxy_learned() { :; }
proxy_forget() { :; }
proxy_reload() { gate reload; }
proxy_prepare() { :; }
proxy_turn_away() { gate turn_away "${@:2}"; }
proxy_keep_away() { gate keep_away; }
proxy_let_in() { gate let_in; }
proxy_turn_away_now() { gate turn_away "$@"; }
proxy_let_in_now() { gate let_in; }
proxy_page() { gate page; }
proxy_leave() { gate leave; }
proxy_rejoin() { gate rejoin; }
proxy_quiet() { gate quiet; }
proxy_reopen() { gate reopen; }
proxy_visitors() {
  local ingress=$1
  gate visitors
}
proxy_traffic() { gate traffic "$@"; }
proxy_move() { gate move "$@"; }
