FROM lab/node:22
WORKDIR /app
COPY large ./
ARG FLAVOUR
RUN printf '%s' "$FLAVOUR" > flavour && [ ! -e .env ]
COPY . ./
COPY web/server.js web/version ./
CMD ["node", "server.js"]
