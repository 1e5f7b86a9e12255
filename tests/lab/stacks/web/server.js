// Says which release it is of: by HTTP, with TLS of its own, by HTTP/2 without TLS, or by a line protocol. What a stack
// needs besides is asked for by the path.
const { readFileSync } = require("node:fs");

const { APP = "", SPEAKS = "http", PORT = 8000 } = process.env;
const version = APP + readFileSync("version", "utf8").trim();

function answer(request, response) {
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
}

const server = {
  http: () => require("node:http").createServer({ maxHeaderSize: 65536 }, answer),
  tls: () => {
    const pem = readFileSync("tls.pem");
    return require("node:https").createServer({ key: pem, cert: pem }, answer);
  },
  h2c: () => require("node:http2").createServer(answer),
  line: () =>
    require("node:net").createServer((socket) => {
      socket.on("data", (line) => socket.write(`${version} ${line}`));
      socket.on("error", () => socket.destroy());
    }),
}[SPEAKS]();

server.listen(Number(PORT));
process.on("SIGTERM", () => process.exit(0));
