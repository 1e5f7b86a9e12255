"use strict";
// Ends an HTTP server without cutting anybody off. New connections are refused at once. Kept ones stay for
// a moment: a request that is already on its way is answered, with Connection: close. Then idle ones go.
const net = require("node:net");
const { setTimeout: sleep } = require("node:timers/promises");

const LINGER_MS = 500;
const LIMIT_MS = 15_000;

exports.drain = async (server) => {
  // The HTTP server's own close() drops idle connections first, under requests that are just arriving.
  const closed = new Promise((resolve) => net.Server.prototype.close.call(server, resolve));
  await Promise.race([closed, sleep(LINGER_MS)]);
  server.closeIdleConnections();
  await Promise.race([closed, sleep(LIMIT_MS)]);
};
