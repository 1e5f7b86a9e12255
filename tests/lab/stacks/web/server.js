// Says which release it is of. What a stack needs besides is asked for by its environment.
const { createServer } = require("node:http");
const { readFileSync } = require("node:fs");

const version = readFileSync("version", "utf8").trim();

createServer((request, response) => {
  if (request.url === "/health") return response.end("ok");
  response.end(version);
}).listen(Number(process.env.PORT || 8000));

process.on("SIGTERM", () => process.exit(0));
