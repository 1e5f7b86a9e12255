-- 200,000 jobs of the past two years, and five events for each of the newest 20,000 completed ones.
-- Ids follow from the numbers, so running this again adds nothing.
BEGIN;
SET LOCAL synchronous_commit = off;

INSERT INTO jobs (id, pdf_type, file_name, object_key, status, error, attempts, created_at, completed_at)
SELECT md5('job-' || i)::uuid,
       (ARRAY['WEEKLY', 'TEST', 'EXAM'])[1 + i % 3],
       'schedule-' || i || '.pdf',
       'done/seed-' || lpad((i % 2000)::text, 4, '0') || '.pdf',
       CASE WHEN i % 50 = 0 THEN 'failed' ELSE 'completed' END,
       CASE WHEN i % 50 = 0 THEN 'no schedule found in this PDF' END,
       1,
       timestamptz '2024-01-01 00:00:00+00' + i * interval '5 minutes 15 seconds',
       timestamptz '2024-01-01 00:00:02+00' + i * interval '5 minutes 15 seconds'
  FROM generate_series(1, 200000) AS i
    ON CONFLICT (id) DO NOTHING;

INSERT INTO events (job_id, position, module, activity, day, start_time, end_time, venue)
SELECT md5('job-' || i)::uuid,
       p,
       (ARRAY['COS 301', 'COS 330', 'COS 332', 'STK 220', 'WTW 285'])[p],
       (ARRAY['Lecture', 'Practical', 'Tutorial'])[1 + (i + p) % 3],
       (ARRAY['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday'])[p],
       make_time(7 + (i + p) % 9, 30, 0),
       make_time(8 + (i + p) % 9, 20, 0),
       'IT ' || 1 + i % 4 || '-' || p
  FROM generate_series(180001, 200000) AS i, generate_series(1, 5) AS p
 WHERE i % 50 <> 0
    ON CONFLICT (job_id, position) DO NOTHING;

COMMIT;
VACUUM (ANALYZE) jobs, events;
