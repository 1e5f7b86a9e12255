"use strict";
const { randomUUID } = require("node:crypto");
const dataSource = require("./data-source");
const { Job } = require("./entities/job");
const { Event } = require("./entities/event");
const metrics = require("./metrics");
const queue = require("./queue");
const storage = require("./storage");
const version = require("./version");
const { readUpload, BadUpload } = require("./upload");

const UUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}";
// Open jobs and those of the last day: both from an index, however long the history is.
const RECENT_JOBS = `
  SELECT status, count(*)::int AS count FROM jobs WHERE status IN ('queued', 'processing') GROUP BY status
  UNION ALL
  SELECT status, count(*)::int FROM jobs
   WHERE created_at > now() - interval '1 day' AND status IN ('completed', 'failed') GROUP BY status`;
const jobs = () => dataSource.getRepository(Job);

const json = (status, body) => ({ status, body });

async function health() {
  return json(200, { status: "ok", version, uptime: Math.round(process.uptime()) });
}

async function databaseHealth() {
  const started = performance.now();
  try {
    await dataSource.query("SELECT 1");
  } catch (error) {
    return json(503, { status: "error", message: error.message });
  }
  return json(200, { status: "ok", milliseconds: Math.round(performance.now() - started) });
}

async function metricsText() {
  const depth = await queue.depth().catch(() => ({}));
  return { status: 200, text: metrics.render(depth), type: "text/plain; version=0.0.4" };
}

async function upload(req) {
  let file;
  try {
    file = await readUpload(req);
  } catch (error) {
    if (error instanceof BadUpload) return json(400, { message: error.message });
    throw error;
  }
  const id = randomUUID();
  const objectKey = `incoming/${id}.pdf`;
  await storage.put(objectKey, file.data);
  await jobs().insert({ id, pdfType: file.pdfType, fileName: file.fileName, objectKey, status: "queued" });
  await queue.enqueue(id);
  return json(202, { jobId: id, status: "queued" });
}

async function job(req, [id]) {
  const found = await jobs().findOneBy({ id });
  return found ? json(200, found) : json(404, { message: "no such job" });
}

async function events(req, [id]) {
  if (!(await jobs().existsBy({ id }))) return json(404, { message: "no such job" });
  const found = await dataSource.getRepository(Event).find({ where: { jobId: id }, order: { position: "ASC" } });
  return json(200, found.map(({ id: _, jobId: __, ...event }) => event));
}

async function jobMetrics() {
  const counts = { queued: 0, processing: 0, completed: 0, failed: 0 };
  const [rows, depth] = await Promise.all([
    dataSource.query(RECENT_JOBS),
    queue.depth().catch(() => null),
  ]);
  for (const row of rows) counts[row.status] = row.count;
  const { queued, processing, ...lastDay } = counts;
  return json(200, { queue: depth, jobs: { queued, processing }, lastDay });
}

const route = (method, name, pattern, handler) => ({ method, name, pattern: new RegExp(`^${pattern}$`), handler });

module.exports = [
  route("GET", "/health", "/health", health),
  route("GET", "/health/db", "/health/db", databaseHealth),
  route("GET", "/metrics", "/metrics", metricsText),
  route("GET", "/api/version", "/api/version", async () => json(200, { version })),
  route("POST", "/api/upload", "/api/upload", upload),
  route("GET", "/api/jobs/metrics", "/api/jobs/metrics", jobMetrics),
  route("GET", "/api/jobs/:id", `/api/jobs/(${UUID})`, job),
  route("GET", "/api/jobs/:id/events", `/api/jobs/(${UUID})/events`, events),
];
