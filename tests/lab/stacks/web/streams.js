// HTTP that goes on for a while: a WebSocket that answers each word (/socket), events (/events), and bodies as they come,
// with `Expect: 100-continue` too.
const { createHash } = require("node:crypto");
const EVENTS = 8;

module.exports = (version, answer) => {
  const open = new Set();
  const server = require("node:http").createServer((request, response) => {
    if (request.url === "/events") return events(version, response);
    if (request.method === "POST") return took(version, request, response);
    answer(request, response);
  });
  server.on("checkContinue", (request, response) => {
    response.writeContinue();
    took(version, request, response);
  });
  server.on("upgrade", (request, connection) => {
    open.add(connection);
    connection.on("close", () => open.delete(connection));
    talk(version, request, connection);
  });
  // Whoever is there is told, and has gone before it goes.
  server.leave = () => {
    const gone = () => open.size || process.exit(0);
    for (const connection of open) connection.on("close", gone).end(frame(8, Buffer.from([1001 >> 8, 1001 & 255])));
    gone();
  };
  return server;
};

function events(version, response) {
  response.writeHead(200, { "content-type": "text/event-stream" });
  let left = EVENTS;
  const timer = setInterval(() => {
    response.write(`data: ${version}\n\n`);
    if (!--left) response.end();
  }, 100);
  response.on("close", () => clearInterval(timer));
}

function took(version, request, response) {
  let length = 0;
  request.on("data", (part) => (length += part.length));
  request.on("end", () => response.end(`${version} ${length}`));
}

const frame = (kind, data) => Buffer.concat([Buffer.from([0x80 | kind, data.length]), data]);

// RFC 6455, as far as short words need it.
function talk(version, request, connection) {
  const key = `${request.headers["sec-websocket-key"]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  const accept = createHash("sha1").update(key).digest("base64");
  const head = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
  connection.write(`${head.join("\r\n")}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
  let heard = Buffer.alloc(0);
  connection.on("error", () => connection.destroy());
  connection.on("data", (part) => {
    heard = Buffer.concat([heard, part]);
    for (let end; heard.length > 5 && heard.length >= (end = 6 + (heard[1] & 127)); heard = heard.subarray(end)) {
      const mask = heard.subarray(2, 6);
      const word = heard.subarray(6, end).map((byte, at) => byte ^ mask[at % 4]);
      if ((heard[0] & 15) === 8) connection.end(frame(8, word));
      else connection.write(frame(1, Buffer.from(`${version} ${word}`)));
    }
  });
}
