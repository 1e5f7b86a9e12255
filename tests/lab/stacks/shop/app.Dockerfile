FROM lab/node:22
WORKDIR /app
RUN npm install --silent mysql2@3
COPY shop.js web/version ./
CMD ["node", "shop.js"]
