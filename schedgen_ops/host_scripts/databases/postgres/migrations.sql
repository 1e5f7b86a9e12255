-- `migration NAME` of each, in the order in which they were applied. Another framework's table of that name is
-- none: whatever it is like, what comes after goes on without it, and `unlisted` says so.
SELECT c.oid IS NOT NULL AS there, c.relkind IN ('r', 'p') AND 2 = (
    SELECT count(*) FROM pg_attribute
     WHERE attrelid = c.oid AND attname IN ('id', 'name') AND NOT attisdropped) AS listed
  FROM (SELECT to_regclass(quote_ident(nullif(:'table', ''))) AS oid) AS found
  LEFT JOIN pg_class c ON c.oid = found.oid
\gset
\if :there
\if :listed
SAVEPOINT migrations;
\set ON_ERROR_STOP off
SELECT 'migration ' || to_json(name::text) FROM :"table" ORDER BY id;
\set failed :ERROR
\set ON_ERROR_STOP on
ROLLBACK TO migrations;
\if :failed
\set listed f
\endif
\endif
\if :listed
\else
SELECT 'unlisted';
\endif
\endif
