FROM lab/node:22
WORKDIR /app
COPY . .
VOLUME /var/lib/wiki
CMD ["node", "server.js"]
