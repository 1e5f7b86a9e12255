-- Requests to a route that is held wait here until it is open again, or their time is over: then they get the page.
local closed = Map.new("/etc/schedgen-ingress/maintenance.map", Map._str)

core.register_action("schedgen_hold", { "http-req" }, function(txn, route)
  local waits = tonumber((txn:get_var("txn.closed") or ""):match("^hold:%d+:(%d+)")) or 0
  local over = core.now().sec + waits
  while core.now().sec < over do
    core.msleep(200)
    if not (closed:lookup(route) or closed:lookup("*")) then
      txn:unset_var("txn.closed")
      return
    end
  end
end, 1)
