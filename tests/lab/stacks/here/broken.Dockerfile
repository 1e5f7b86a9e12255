FROM lab/node:22
COPY web/version ./
RUN [ "$(cat version)" = 4 ] || { echo "npm ERR! no such package"; exit 7; }
RUN exec sleep 611
