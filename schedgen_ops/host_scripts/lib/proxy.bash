# The ingress, whatever program it is: a container that has the published ports, and that requests go through. Nothing
# outside proxies/ knows how one works: a script sources this, and its `proxy` is the name of a file there that has
# the functions below. `docker` has the engine's words, an array; `ingress` is the id of its container. A ROUTE is one
# published port that leads to one service, by the name that its release has for it; SERVICE_PORT. ADDRESSES are
# those of containers, a space between them. A function ends with 1 where the ingress does not answer, and has changed
# nothing then; each may be called again.
#
# While a service is replaced:
#   proxy_open                     opens a way to it that the questions to come take; they open one where there is none
#   proxy_hold ROUTE...            who comes to the routes from now on gets no requests until they are weighed
#   proxy_seen_up ROUTE ADDRESSES COUNT
#                                  whether so many containers at these addresses are seen to be well
#   proxy_weigh SHARE NEW COUNT OLD COUNT ROUTE...
#                                  the containers at the addresses NEW get SHARE percent of the requests and never
#                                  more, those at OLD, * for all others, the rest. Each COUNT is how many these are, "" for as many as
#                                  it sees. With 100 the old ones stand by: they get requests if
#                                  no new one is well; with more than 100 they get none then, either
#   proxy_invite NAMES ROUTE...    containers that are found by these names, one each, and by none that the routes look for,
#                                  are seen from now on, and get no requests until they are weighed
#   proxy_dismiss                  takes that back for all of them: they are found as all containers are, or not at all
#   proxy_guests ROUTE...          leaves in `proxy_at` the addresses of the containers that were invited to the routes, a space
#                                  between them
#   proxy_hush ROUTE...            they get no more requests from now on, everybody else gets all; what was begun goes on
#   proxy_forgo ROUTE...           after that: takes the invitations back, and waits until nothing leads to them
#   proxy_admit ADDRESSES ROUTE... takes `proxy_hold` back, for them, * for all that it sees, and for who comes
#   proxy_drain STAY GO ROUTE...   those at STAY get all requests, those at GO, "" for none, * for all others, no new
#                                  ones; what was begun goes on
#   proxy_idle ROUTE ADDRESSES     whether no request to them is open; 2 where the ingress does not tell
#   proxy_settle ROUTE...          those that were drained are gone: who comes gets requests as everybody does
#
# While the ingress itself is set up; `folder` has its configuration, and is mounted into its container:
#   proxy_serving                  the routes for which it sees a container that is well, a line each
#   proxy_answering [ROUTE...]     whether it sees such a one for every route, or for those of these that it has
#   proxy_learned                  leaves in `folder` what this one knows of containers for the next one that starts
#   proxy_forget                   takes that away: it has started
#   proxy_reload                   has it read its configuration anew, and waits until it has; what it had begun
#                                  goes on
#   proxy_reopen                   every container gets requests again, whatever a script that was killed had closed
#
# Visitors turned away, for work on the site; our own requests go past that, and it outlives a start and `proxy_reload`:
#   proxy_prepare                  leaves in `folder` what its configuration reads besides; what is there stays
#   proxy_turn_away PAGE RETRY WAIT HEALTH ROUTE...
#                                  who comes to the routes, * for all, gets 503, the text of the file PAGE and
#                                  `Retry-After: RETRY`; with a WAIT that is not 0 only after waiting so many seconds
#                                  in vain for `proxy_let_in`. HEALTH is `health` where the paths that are asked
#                                  for a route's health go through, else -. It ends with 2, and has changed
#                                  nothing, where what runs was configured before there was this; with 1
#                                  it may turn them away after its next start: `proxy_let_in` takes that back
#   proxy_keep_away                once it was configured: who was turned away is, on every route that their services
#                                  have now. `proxy_lost`, an array, has the services without one: they are
#                                  forgotten. It ends with 2 where nobody is turned away, be it that what runs was
#                                  configured before there was this
#   proxy_let_in                   takes that back: who waits and who comes goes through
#
# The same where its configuration is no folder of the host's, and until it starts anew:
#   proxy_turn_away_now RETRY WAIT HEALTH ROUTE...
#                                  as `proxy_turn_away`, with the page that it has
#   proxy_let_in_now               takes that back
#   proxy_page                     prints that page
#
# A load balancer in front of several hosts, told to leave this one out; that outlives a start and `proxy_reload` too:
#   proxy_leave                    at the path where its configuration says so, everybody but ourselves gets 503. It ends with
#                                  2, and has changed nothing, where what runs was configured before there was this
#   proxy_rejoin                   takes that back
#   proxy_quiet                    whether no request that came by a port is open; 2 where the ingress does not tell
#
# What it has counted; our own requests, by their User-Agent `schedgen_ops`, are left out:
#   proxy_visitors CONTAINER       a line: WORKER BORN ANSWERS ERRORS ALL_ERRORS SERVER_ERRORS ABORTED. WORKER is the
#                                  number of the process that counts, BORN when it began, in seconds since the epoch;
#                                  then, since it began: answers of containers to visitors, those with 5xx, all 5xx
#                                  that anybody got who was not turned away, those of containers, and answers that
#                                  broke off. It takes a way of its own, and ends with 1 and no line where not all
#                                  is known
#   proxy_traffic NEW OLD ROUTE... for each container at the addresses NEW (n), * for all, or OLD (o), * for all others,
#                                  `h n|o ROUTE/SERVER@ADDRESS REQUESTS ERRORS`, SERVER being its name in there, ADDRESS with the port; and for
#                                  each of the new ones `a ROUTE ADDRESS`
#   proxy_move TO FROM             the servers TO, ROUTE/SERVER with a space between them, get all requests at once,
#                                  the servers FROM none
# shellcheck source=proxies/haproxy.bash
source "proxies/$proxy.bash"
