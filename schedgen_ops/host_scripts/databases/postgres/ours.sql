-- The databases of restores whose name is :'stem' and a stamp.
SELECT d.datname FROM pg_database d WHERE
\ir is_ours.sql
 ORDER BY 1;
