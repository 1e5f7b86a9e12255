-- :'p' becomes the properties that a backup has, :'given', or else those of :'name' as it is now.
\ir utf8.sql
SELECT CASE WHEN given = '{}' THEN coalesce((SELECT
\ir property.sql
 FROM pg_database d WHERE d.datname = :'name'), given) ELSE given END AS p
  FROM (SELECT :'given'::jsonb AS given) AS backup
\gset
