-- For a throwaway server alone: :'where' has a folder for each of :'tablespaces', by its number.
\ir utf8.sql
SELECT format('CREATE TABLESPACE %I LOCATION %L', name, :'where' || '/' || n)
  FROM jsonb_array_elements_text(:'tablespaces'::jsonb) WITH ORDINALITY AS t(name, n)
\gexec
