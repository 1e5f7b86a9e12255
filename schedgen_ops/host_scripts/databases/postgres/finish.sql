-- Gives the loaded database :'new' its settings, grants and limit: what would be in the way while the dump is
-- loaded, or what only a whole database should have. The settings named here have a list of names for a value,
-- in the form that SET would make one name of.
\ir chosen.sql
WITH setting AS (
  SELECT n, split_part(each ->> 1, '=', 1) AS name, substr(each ->> 1, strpos(each ->> 1, '=') + 1) AS value,
         split_part(each ->> 1, '=', 1) IN ('search_path', 'temp_tablespaces', 'local_preload_libraries',
                                            'session_preload_libraries') AS listed,
         CASE each ->> 0 WHEN '' THEN format('ALTER DATABASE %I', :'new')
                         ELSE format('ALTER ROLE %I IN DATABASE %I', each ->> 0, :'new') END AS alter
    FROM jsonb_array_elements(:'p'::jsonb -> 'settings') WITH ORDINALITY AS s(each, n))
SELECT CASE WHEN listed THEN format('SELECT set_config(%L, %L, false)', name, value) END,
       CASE WHEN listed THEN format('%s SET %I FROM CURRENT', alter, name)
            ELSE format('%s SET %I TO %L', alter, name, value) END
  FROM setting ORDER BY n
\gexec
RESET ALL;
SET client_encoding = 'UTF8';
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I', :'new', p ->> 'owner')
  FROM (SELECT :'p'::jsonb AS p) AS one WHERE p ? 'grants'
\gexec
SELECT CASE WHEN g ->> 0 <> p ->> 'owner' THEN format('SET SESSION AUTHORIZATION %I', g ->> 0) END,
       format('GRANT %s ON DATABASE %I TO %s%s', g ->> 2, :'new',
              CASE g ->> 1 WHEN '' THEN 'PUBLIC' ELSE quote_ident(g ->> 1) END,
              CASE WHEN (g ->> 3)::boolean THEN ' WITH GRANT OPTION' ELSE '' END),
       CASE WHEN g ->> 0 <> p ->> 'owner' THEN 'RESET SESSION AUTHORIZATION' END
  FROM (SELECT :'p'::jsonb AS p) AS one, jsonb_array_elements(p -> 'grants') AS g
 WHERE g ->> 2 IN ('CREATE', 'CONNECT', 'TEMPORARY')
 ORDER BY g ->> 0 <> p ->> 'owner', g::text
\gexec
SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', :'new', (p ->> 'limit')::int)
  FROM (SELECT :'p'::jsonb AS p) AS one WHERE (p ->> 'limit')::int >= 0
UNION ALL
SELECT format('ALTER DATABASE %I IS_TEMPLATE true', :'new')
  FROM (SELECT :'p'::jsonb AS p) AS one WHERE (p ->> 'template')::boolean
\gexec
