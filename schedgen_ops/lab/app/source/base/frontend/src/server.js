"use strict";
const fs = require("node:fs");
const http = require("node:http");
const path = require("node:path");
const { drain } = require("./drain");
const log = require("./log");
const { proxy } = require("./proxy");
const version = require("./version");

const PORT = Number(process.env.PORT ?? 3000);
const PUBLIC = path.join(__dirname, "..", "public");
const TYPES = { ".html": "text/html; charset=utf-8", ".css": "text/css", ".js": "text/javascript" };

// A handful of small files: read once, with the version filled in.
const files = new Map(fs.readdirSync(PUBLIC).map((name) => {
  const text = fs.readFileSync(path.join(PUBLIC, name), "utf8").replaceAll("{{version}}", version);
  return [name === "index.html" ? "/" : `/${name}`, { text, type: TYPES[path.extname(name)] }];
}));

let draining = false;

function serveFile(req, res, headers) {
  const file = ["GET", "HEAD"].includes(req.method) && files.get(req.url.split("?")[0]);
  if (!file) {
    res.writeHead(404, { "Content-Type": "text/plain", ...headers });
    return res.end("not found\n");
  }
  res.writeHead(200, { "Content-Type": file.type, "Cache-Control": "no-cache", ...headers });
  return res.end(req.method === "HEAD" ? undefined : file.text);
}

const server = http.createServer({ keepAliveTimeout: 65_000 }, (req, res) => {
  const headers = draining ? { Connection: "close" } : {};
  if (req.url.startsWith("/api/")) return proxy(req, res, headers);
  return serveFile(req, res, headers);
});

async function shutdown(signal) {
  if (draining) return;
  draining = true;
  log.info("stopping", { signal });
  await drain(server);
  log.info("stopped");
  process.exit(0);
}

server.listen(PORT, () => log.info("listening", { port: PORT, version }));
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => shutdown(signal));
