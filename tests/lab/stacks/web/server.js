// Says which release it is of. What a stack needs besides is asked for by the path.
const { createServer } = require("node:http");
const { readFileSync } = require("node:fs");

const version = readFileSync("version", "utf8").trim();

createServer({ maxHeaderSize: 65536 }, (request, response) => {
  const { pathname, search } = new URL(request.url, "http://any");
  if (pathname === "/health") return response.end("ok");
  if (pathname === "/private") {
    // Whoever asks otherwise than a visitor would is an error.
    const known = request.headers.host === "localhost:8117" && search === "?x=1";
    response.statusCode = known ? 401 : 500;
    return response.end();
  }
  if (pathname === "/big") response.setHeader("x-big", "a".repeat(Number(search.slice(1))));
  response.end(version);
}).listen(Number(process.env.PORT || 8000));

process.on("SIGTERM", () => process.exit(0));
