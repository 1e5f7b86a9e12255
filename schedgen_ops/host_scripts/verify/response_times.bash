# Several requests to each URL, one after the other, so that none waits for another: INDEX, then what `get` says.
#: samples  how many
#: patience seconds after which a request is given up
#: urls[]   what is asked
source lib/http.bash

index=0
for url in "${urls[@]}"; do
  for ((n = 0; n < samples; n++)); do printf '%s\t%s\n' "$index" "$(get "$url" "$patience")"; done
  index=$((index + 1))
done
