# What was put out of reach of some services is reached again as it was before.
#: docker[] the engine's words
source lib/alone_on_services.bash
source lib/rollout.bash
source lib/reach.bash

bad=0
for service in "${services[@]}"; do join_again names || bad=1; done
exit "$bad"
