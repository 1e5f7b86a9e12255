"use strict";
// A job belongs to the worker whose name is on its row, for as long as the lease lasts. Taking it and
// finishing it are single statements guarded by that, so no job is lost and none is done twice.
const { Pool } = require("pg");
const config = require("./config");
const log = require("./log");

const pool = new Pool(config.database);
pool.on("error", (error) => log.warn("database connection lost", { reason: error.message }));

async function claim(id) {
  const { rows } = await pool.query(
    `UPDATE jobs SET status = 'processing', attempts = attempts + 1, locked_by = $2,
            locked_until = now() + make_interval(secs => $3)
      WHERE id = $1 AND status = 'queued' RETURNING id, pdf_type, object_key, attempts`,
    [id, config.worker, config.leaseSeconds],
  );
  return rows[0] ?? null;
}

async function complete(job, objectKey, result) {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    const { rowCount } = await client.query(
      `UPDATE jobs SET status = 'completed', object_key = $3, error = NULL, locked_by = NULL,
              locked_until = NULL, completed_at = now()
        WHERE id = $1 AND status = 'processing' AND locked_by = $2`,
      [job.id, config.worker, objectKey],
    );
    if (rowCount === 1) await insertEvents(client, job.id, result.events);
    await client.query("COMMIT");
    return rowCount === 1;
  } catch (error) {
    await client.query("ROLLBACK").catch(() => {});
    throw error;
  } finally {
    client.release();
  }
}

async function insertEvents(client, jobId, events) {
  await client.query(
    `INSERT INTO events (job_id, position, module, activity, day, start_time, end_time, venue)
     SELECT $1, e.position, e.module, e.activity, e.day, e."startTime"::time, e."endTime"::time, e.venue
       FROM jsonb_to_recordset($2::jsonb) AS e
            (position int, module text, activity text, day text, "startTime" text, "endTime" text, venue text)`,
    [jobId, JSON.stringify(events.map((event, index) => ({ position: index + 1, ...event })))],
  );
}

async function fail(job, message) {
  await pool.query(
    `UPDATE jobs SET status = 'failed', error = $3, locked_by = NULL, locked_until = NULL, completed_at = now()
      WHERE id = $1 AND status = 'processing' AND locked_by = $2`,
    [job.id, config.worker, message],
  );
}

async function putBack(job) {
  const { rowCount } = await pool.query(
    `UPDATE jobs SET status = 'queued', locked_by = NULL, locked_until = NULL
      WHERE id = $1 AND status = 'processing' AND locked_by = $2`,
    [job.id, config.worker],
  );
  return rowCount === 1;
}

/** Jobs that wait and that the queue may not know of: put back by a lapsed lease, or lost by redis. */
async function stranded() {
  await pool.query(
    `UPDATE jobs SET status = 'queued', locked_by = NULL, locked_until = NULL
      WHERE status = 'processing' AND locked_until < now()`,
  );
  const { rows } = await pool.query(
    `SELECT id FROM jobs WHERE status = 'queued' AND created_at < now() - interval '3 seconds'
      ORDER BY created_at LIMIT 1000`,
  );
  return rows.map((row) => row.id);
}

/** Those of these ids that nobody works on. */
async function idle(ids) {
  const { rows } = await pool.query(`SELECT id FROM jobs WHERE id = ANY($1) AND status = 'processing'`, [ids]);
  const busy = new Set(rows.map((row) => row.id));
  return ids.filter((id) => !busy.has(id));
}

module.exports = { claim, complete, fail, putBack, stranded, idle, close: () => pool.end() };
