-- `rows [TABLE, COUNT]` of every table whose rows pg_dump writes: not those of extensions, nor temporary ones.
SELECT format($q$SELECT 'rows ' || json_build_array(%L, count(*)) FROM ONLY %I.%I$q$,
    format('%I.%I', n.nspname, c.relname), n.nspname, c.relname)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't'
   AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_'
   AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                      AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e')
 ORDER BY 1
\gexec
