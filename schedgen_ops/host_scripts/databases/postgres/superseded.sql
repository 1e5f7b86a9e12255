-- What restores put aside: `database NAME BYTES`; `unmarked NAME` has the form of one, and not the mark.
SELECT CASE WHEN
\ir is_ours.sql
 THEN 'database ' || d.datname || ' ' || pg_database_size(d.oid)
            ELSE 'unmarked ' || d.datname END
  FROM pg_database d WHERE d.datname = :'stem' || right(d.datname, 15)
   AND right(d.datname, 15) ~ '^\d{8}_\d{6}$'
;
