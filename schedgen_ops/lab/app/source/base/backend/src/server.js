"use strict";
const http = require("node:http");
const { setTimeout: sleep } = require("node:timers/promises");
const config = require("./config");
const dataSource = require("./data-source");
const { drain } = require("./drain");
const log = require("./log");
const metrics = require("./metrics");
const queue = require("./queue");
const routes = require("./routes");
const storage = require("./storage");
const version = require("./version");

let draining = false;

function send(res, { status, body, text = JSON.stringify(body), type = "application/json" }) {
  if (res.headersSent || res.destroyed) return;
  const headers = { "Content-Type": type, "Content-Length": Buffer.byteLength(text) };
  if (draining) headers.Connection = "close";
  res.writeHead(status, headers);
  res.end(text);
}

function match(req) {
  const path = req.url.split("?")[0];
  for (const route of routes) {
    const found = route.method === req.method && route.pattern.exec(path);
    if (found) return { route, params: found.slice(1) };
  }
  return null;
}

async function handle(req, res) {
  const started = performance.now();
  const found = match(req);
  const name = found ? found.route.name : "unknown";
  let answer = { status: 404, body: { message: "no such address" } };
  try {
    if (found) answer = await found.route.handler(req, found.params);
  } catch (error) {
    log.error("request failed", { method: req.method, route: name, reason: error.message });
    answer = { status: 500, body: { message: "internal error" } };
  }
  send(res, answer);
  const milliseconds = performance.now() - started;
  metrics.observe(req.method, name, answer.status, milliseconds / 1000);
  if (req.url.startsWith("/api/")) {
    log.info("request", { method: req.method, route: name, status: answer.status, ms: milliseconds.toFixed(1) });
  }
}

async function connectDatabase() {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await dataSource.initialize();
    } catch (error) {
      if (attempt === 30) throw error;
      log.warn("waiting for the database", { reason: error.message });
      await sleep(1000);
    }
  }
}

async function shutdown(server, signal) {
  if (draining) return;
  draining = true;
  log.info("stopping", { signal });
  await drain(server);
  queue.close();
  await dataSource.destroy();
  log.info("stopped");
  process.exit(0);
}

async function main() {
  await connectDatabase();
  queue.connect().catch((error) => log.warn("redis", { reason: error.message }));
  storage.ensureBucket().catch((error) => log.error("bucket not ready", { reason: error.message }));
  const server = http.createServer({ keepAliveTimeout: 65_000 }, handle);
  server.listen(config.port, () => log.info("listening", { port: config.port, version }));
  for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => shutdown(server, signal));
}

main().catch((error) => {
  log.error("cannot start", { reason: error.message });
  process.exit(1);
});
