"use strict";
const config = require("./config");
const jobs = require("./jobs");
const log = require("./log");
const { readPdf } = require("./pdf");
const { eventsOf } = require("./schedule");
const storage = require("./storage");

class Unreadable extends Error {}

function read(data) {
  try {
    return readPdf(data);
  } catch (error) {
    throw new Unreadable(`the file cannot be read: ${error.message}`);
  }
}

function parse(data) {
  const events = eventsOf(read(data).lines);
  if (events.length === 0) throw new Unreadable("no schedule found in this PDF");
  return { events };
}

async function store(job, data, result) {
  const objectKey = `done/${job.id}.pdf`;
  await storage.put(objectKey, data);
  const ours = await jobs.complete(job, objectKey, result);
  if (ours) await storage.remove(job.object_key).catch(() => {});
  return ours;
}

/** Takes the job with this id, if nobody has it, and sees it through to completed or failed. */
async function work(id, current) {
  const job = await jobs.claim(id);
  if (!job) return;
  current.job = job;
  const started = performance.now();
  try {
    const data = await storage.get(job.object_key);
    const result = parse(data);
    if (await store(job, data, result)) {
      const ms = (performance.now() - started).toFixed(0);
      log.info("job completed", { job: id, type: job.pdf_type, events: result.events.length, ms });
    }
  } catch (error) {
    await giveUp(job, error);
  } finally {
    current.job = null;
  }
}

// What the PDF is to blame for will not get better; anything else is tried again a few times.
async function giveUp(job, error) {
  if (error instanceof Unreadable || job.attempts >= config.maxAttempts) {
    log.warn("job failed", { job: job.id, reason: error.message });
    await jobs.fail(job, error.message);
  } else {
    log.warn("job put back", { job: job.id, attempt: job.attempts, reason: error.message });
    await jobs.putBack(job);
  }
}

module.exports = { work };
