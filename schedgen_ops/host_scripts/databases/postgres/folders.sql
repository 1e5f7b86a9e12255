-- How many tablespaces a throwaway server needs.
\ir utf8.sql
SELECT jsonb_array_length(:'tablespaces'::jsonb);
