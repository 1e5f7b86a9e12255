# Asks a URL once, and tells status, seconds and error.
#: url   what to ask
#: limit the most time that it may take, in seconds
source lib/http.bash

get "$url" "$limit"
