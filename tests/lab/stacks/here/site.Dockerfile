FROM lab/node:22
WORKDIR /app
COPY large compose.yaml .env* ./
ARG FLAVOUR
RUN printf '%s' "$FLAVOUR" > flavour && [ ! -e .env ]
COPY web/server.js web/version ./
CMD ["node", "server.js"]
