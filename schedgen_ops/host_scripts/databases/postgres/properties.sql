-- Of the database that is asked, with what only it can tell: the tablespaces of its tables, whether it has the
-- schema that every new database has, and how many large objects.
SELECT 'properties ' || (
\ir property.sql
 || jsonb_build_object(
  'public', EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public'),
  'large', (SELECT count(*) FROM pg_largeobject_metadata),
  'tablespaces', (SELECT coalesce(jsonb_agg(DISTINCT t.spcname), '[]') FROM pg_class c
      JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE t.spcname <> 'pg_global')))::text
  FROM pg_database d WHERE d.datname = current_database();
