-- :from takes the place of :to, and :to is called :aside from then on; nobody is let in meanwhile. Where there is
-- no :from, that was done or never begun. The comment of what is beside is the mark, and below it the owner's own.
-- Whatever happens, what is called :to lets in at the end.
SELECT count(*) FILTER (WHERE datname = :'from') > 0 AS come,
       count(*) FILTER (WHERE datname = :'to') > 0 AS go,
       coalesce(bool_or(datname = :'from' AND said.mark IS DISTINCT FROM :'mark'), false) AS strange,
       coalesce(max(said.whole) FILTER (WHERE datname = :'to'), '') AS old,
       coalesce(max(said.own) FILTER (WHERE datname = :'from'), '') AS own
  FROM pg_database, LATERAL (SELECT split_part(whole, E'\n', 1) AS mark, whole,
         CASE WHEN strpos(whole, E'\n') > 0 THEN substr(whole, strpos(whole, E'\n') + 1) END AS own
    FROM (SELECT shobj_description(oid, 'pg_database') AS whole) AS comment) AS said
\gset
\if :strange
DO $$ BEGIN RAISE EXCEPTION 'the database has no mark of this restore'; END $$;
\endif
SELECT :'mark' || CASE :'old' WHEN '' THEN '' ELSE E'\n' || :'old' END AS wrapped
\gset
\if :come
\if :go
ALTER DATABASE :"to" ALLOW_CONNECTIONS false;
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
 WHERE datname IN (:'from', :'to') AND pid <> pg_backend_pid();
\set ON_ERROR_STOP off
BEGIN;
ALTER DATABASE :"to" RENAME TO :"aside";
ALTER DATABASE :"from" RENAME TO :"to";
COMMENT ON DATABASE :"aside" IS :'wrapped';
COMMENT ON DATABASE :"to" IS :'own';
COMMIT;
\set ON_ERROR_STOP on
\else
BEGIN;
ALTER DATABASE :"from" RENAME TO :"to";
COMMENT ON DATABASE :"to" IS :'own';
COMMIT;
\endif
\endif
SELECT format('ALTER DATABASE %I ALLOW_CONNECTIONS true', datname) FROM pg_database
 WHERE datname IN (:'to', :'aside')
\gexec
SELECT 1 / (count(*) FILTER (WHERE datname = :'to') - count(*) FILTER (WHERE datname = :'from'))
  FROM pg_database;
