"use strict";
const fs = require("node:fs");
const { setTimeout: sleep } = require("node:timers/promises");
const jobs = require("./jobs");
const log = require("./log");
const queue = require("./queue");
const { work } = require("./work");

const HEARTBEAT = "/tmp/heartbeat";
const SWEEP_MS = 5000;
const DRAIN_MS = 20_000;
const current = { job: null };
let stopping = false;
let swept = 0;

// Touched only after redis and the database have answered: the health check reads its age.
const heartbeat = () => fs.writeFileSync(HEARTBEAT, "");

async function sweep() {
  if (Date.now() - swept < SWEEP_MS) return;
  const ids = await jobs.stranded();
  if (ids.length > 0) {
    log.info("jobs found that the queue had lost", { count: ids.length });
    await queue.restore(ids);
  }
  // What a worker that died left on the list of jobs in work.
  for (const id of await jobs.idle(await queue.inWork())) await queue.done(id);
  swept = Date.now();
}

async function loop() {
  while (!stopping) {
    try {
      await sweep();
      heartbeat();
      const id = await queue.next();
      if (id) {
        await work(id, current);
        await queue.done(id);
      }
    } catch (error) {
      if (stopping) break;
      log.warn("waiting for redis or the database", { reason: error.message });
      await sleep(1000);
    }
  }
}

// The job in work is finished first; one that takes too long goes back for another worker.
async function shutdown(signal, finished) {
  if (stopping) return;
  stopping = true;
  log.info("stopping", { signal, job: current.job?.id ?? "none" });
  await Promise.race([finished, sleep(DRAIN_MS)]);
  if (current.job && (await jobs.putBack(current.job))) await queue.restore([current.job.id]);
  queue.close();
  await jobs.close();
  log.info("stopped");
  process.exit(0);
}

queue.connect().catch((error) => log.warn("redis", { reason: error.message }));
const finished = loop();
for (const signal of ["SIGTERM", "SIGINT"]) process.on(signal, () => shutdown(signal, finished));
log.info("worker started");
