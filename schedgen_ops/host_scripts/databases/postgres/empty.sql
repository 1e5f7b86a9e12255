-- In a new database, before its dump: it may not have what every database begins with.
\ir chosen.sql
SELECT 'DROP SCHEMA public' WHERE :'p'::jsonb -> 'public' = 'false'
\gexec
