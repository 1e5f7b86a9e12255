"use strict";
// The queue tells the worker to look now. The jobs table is the truth: what the queue loses,
// the worker finds there.
const { createClient } = require("@redis/client");
const config = require("./config");
const log = require("./log");

const WAITING = "jobs:waiting";
const PROCESSING = "jobs:processing";

const client = createClient({
  url: config.redisUrl,
  disableOfflineQueue: true,
  socket: { connectTimeout: 2000, reconnectStrategy: (attempt) => Math.min(100 * (attempt + 1), 1000) },
});
client.on("error", (error) => log.warn("redis", { reason: error.message || error.code }));

async function enqueue(id) {
  try {
    await client.lPush(WAITING, id);
  } catch (error) {
    log.warn("queue not reached, the worker will find the job in the database", { job: id, reason: error.message });
  }
}

async function depth() {
  const [waiting, processing] = await Promise.all([client.lLen(WAITING), client.lLen(PROCESSING)]);
  return { waiting, processing };
}

module.exports = { connect: () => client.connect(), close: () => client.destroy(), enqueue, depth };
