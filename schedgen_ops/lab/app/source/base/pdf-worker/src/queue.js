"use strict";
const { createClient } = require("@redis/client");
const config = require("./config");
const log = require("./log");

const WAITING = "jobs:waiting";
const PROCESSING = "jobs:processing";

function connection(name) {
  const client = createClient({
    url: config.redisUrl,
    disableOfflineQueue: true,
    socket: { connectTimeout: 2000, reconnectStrategy: (attempt) => Math.min(100 * (attempt + 1), 1000) },
  });
  client.on("error", (error) => log.warn("redis", { connection: name, reason: error.message || error.code }));
  return client;
}

// Waiting for a job blocks its connection, so everything else goes over another.
const waiting = connection("waiting");
const commands = connection("commands");

module.exports = {
  connect: () => Promise.all([waiting.connect(), commands.connect()]),
  /** The id of the next job, moved to the list of those in work; null after a second without one. */
  next: () => waiting.blMove(WAITING, PROCESSING, "RIGHT", "LEFT", 1),
  inWork: () => commands.lRange(PROCESSING, 0, -1),
  done: (id) => commands.lRem(PROCESSING, 0, id),
  /** Puts ids at the head of the queue, the first one foremost, wherever they were before. */
  restore: (ids) => ids.toReversed().reduce(
    (multi, id) => multi.lRem(PROCESSING, 0, id).lRem(WAITING, 0, id).rPush(WAITING, id), commands.multi(),
  ).exec(),
  close: () => { waiting.destroy(); commands.destroy(); },
};
