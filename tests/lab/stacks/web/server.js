// Says which release it is of: by HTTP, with TLS of its own, by HTTP/2 without TLS, by a line protocol, or by HTTP that goes
// on for a while. What a stack needs besides is asked for by the path.
const { readFileSync } = require("node:fs");

const { APP = "", SPEAKS = "http", PORT = 8000, ASKS, DELAYS = "0 0", SICK, FAILS } = process.env;
const number = readFileSync("version", "utf8").trim();
const version = APP + number;

// Another service's word, asked by name. Who goes just then is asked no more: once is tried again.
function asked(name, done, tries = 2) {
  const failed = () => (tries > 1 ? asked(name, done, tries - 1) : done(502, "no answer"));
  require("node:http").get({ host: name, port: 8000, agent: false, timeout: 10000 }, (answer) => {
    let said = "";
    answer.on("data", (part) => (said += part));
    answer.on("end", () => done(200, said));
    answer.on("error", failed);
  }).on("error", failed);
}

function answer(request, response) {
  const { pathname, search } = new URL(request.url, "http://any");
  // As told, one release is never well, and one fails who works with it.
  if (pathname === "/health" || pathname === "/work") {
    response.statusCode = number === (pathname === "/health" ? SICK : FAILS) ? 500 : 200;
    return response.end("ok");
  }
  if (pathname === "/private") {
    // Whoever asks otherwise than a visitor would is an error.
    const known = request.headers.host === "localhost:8117" && search === "?x=1";
    response.statusCode = known ? 401 : 500;
    return response.end();
  }
  if (pathname === "/big") response.setHeader("x-big", "a".repeat(Number(search.slice(1))));
  if (!ASKS) return response.end(version);
  asked(ASKS, (status, said) => {
    response.statusCode = status;
    response.end(`${version} ${said}`);
  });
}

const server = {
  http: () => require("node:http").createServer({ maxHeaderSize: 65536 }, answer),
  tls: () => {
    const pem = readFileSync("tls.pem");
    const secure = require("node:https").createServer({ key: pem, cert: pem }, answer);
    // As on a busy machine: a handshake takes its time.
    return require("node:net").createServer((socket) => {
      socket.on("error", () => socket.destroy());
      setTimeout(() => secure.emit("connection", socket), 300);
    });
  },
  h2c: () => require("node:http2").createServer(answer),
  streams: () => require("./streams")(version, answer),
  line: () =>
    require("node:net").createServer((socket) => {
      socket.on("data", (line) => socket.write(`${version} ${line}`));
      socket.on("error", () => socket.destroy());
    }),
}[SPEAKS]();

setTimeout(() => server.listen(Number(PORT)), 1000 * DELAYS.split(" ")[number - 1]);
process.on("SIGTERM", () => (server.leave ? server.leave() : process.exit(0)));
