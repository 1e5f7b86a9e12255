-- Sessions that wait for a lock, and who holds it: a row each, of the one that waits and the one that it waits for.
SELECT waits.pid, coalesce(waits.application_name, ''), extract(epoch FROM now() - waits.query_start)::int,
  left(regexp_replace(waits.query, '\s+', ' ', 'g'), 200),
  holds.pid, coalesce(holds.usename, ''), coalesce(holds.application_name, ''), coalesce(holds.client_addr::text, 'local'),
  coalesce(holds.state, ''), extract(epoch FROM now() - holds.xact_start)::int,
  left(regexp_replace(holds.query, '\s+', ' ', 'g'), 200)
FROM pg_stat_activity waits JOIN pg_stat_activity holds ON holds.pid = ANY (pg_blocking_pids(waits.pid))
WHERE waits.datname = current_database() AND waits.query_start < now() - interval '1 second'
  -- The roots alone: who waits for somebody is no cause.
  AND cardinality(pg_blocking_pids(holds.pid)) = 0
ORDER BY holds.pid, waits.query_start
