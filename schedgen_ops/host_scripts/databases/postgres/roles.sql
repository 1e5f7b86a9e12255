-- The roles that a dump may speak of, :'roles', are made where they are missing.
\ir utf8.sql
SELECT format('CREATE ROLE %I', name) FROM jsonb_array_elements_text(:'roles'::jsonb) AS r(name)
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)
\gexec
