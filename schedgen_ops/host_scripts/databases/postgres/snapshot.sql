-- The snapshot is exported before anything else: whoever imports it sees what this transaction sees.
\ir steady.sql
BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
SELECT 'snapshot ' || pg_export_snapshot();
