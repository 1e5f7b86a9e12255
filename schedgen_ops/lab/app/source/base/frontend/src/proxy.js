"use strict";
// Passes /api on to the backend. A connection that cannot be made is tried again for a short while:
// nothing has been sent yet, so that is safe for any request.
const http = require("node:http");
const { setTimeout: sleep } = require("node:timers/promises");
const log = require("./log");

const backend = new URL(process.env.BACKEND_URL ?? "http://localhost:3001");
const agent = new http.Agent({ keepAlive: true, maxSockets: 64, timeout: 60_000 });
const CONNECT_ATTEMPTS = 1;
const NOT_CONNECTED = new Set(["ECONNREFUSED", "EHOSTUNREACH", "ENOTFOUND", "EAI_AGAIN"]);

function attempt(req, body) {
  return new Promise((resolve, reject) => {
    const headers = { ...req.headers, host: backend.host, connection: "keep-alive" };
    // A kept connection may be closed by the other side just as it is used: only what can be repeated rides on one.
    const repeatable = req.method === "GET" || req.method === "HEAD";
    const options = { method: req.method, path: req.url, headers, agent: repeatable ? agent : false };
    const passed = http.request(backend, options, resolve);
    passed.on("error", (error) => reject(Object.assign(error, { reused: passed.reusedSocket })));
    passed.end(body);
  });
}

async function forward(req, body) {
  for (let count = 1; ; count += 1) {
    try {
      return await attempt(req, body);
    } catch (error) {
      const again = NOT_CONNECTED.has(error.code) || (error.code === "ECONNRESET" && error.reused);
      if (!again || count === CONNECT_ATTEMPTS) throw error;
      await sleep(100 * count);
    }
  }
}

async function readBody(req) {
  const chunks = [];
  for await (const chunk of req) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function proxy(req, res, extraHeaders) {
  try {
    const answer = await forward(req, await readBody(req));
    const { connection, "keep-alive": _, ...headers } = answer.headers;
    res.writeHead(answer.statusCode, { ...headers, ...extraHeaders });
    answer.pipe(res);
    answer.on("error", () => res.destroy());
  } catch (error) {
    log.warn("backend not reached", { path: req.url.split("?")[0], reason: error.code ?? error.message });
    if (res.headersSent) return res.destroy();
    res.writeHead(502, { "Content-Type": "application/json", ...extraHeaders });
    res.end(JSON.stringify({ message: "the backend cannot be reached, try again in a moment" }));
  }
}

module.exports = { proxy };
