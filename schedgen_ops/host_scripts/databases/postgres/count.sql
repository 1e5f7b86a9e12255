-- The rows of every table as they are now, and how many large objects there are.
\ir steady.sql
\ir rows.sql
SELECT 'large ' || count(*) FROM pg_largeobject_metadata;
SELECT 'counted';
