-- Makes the database :'new' as :'name' was when it was backed up, and marks it at once; its comment is the owner's,
-- as it is now.
\ir chosen.sql
SELECT coalesce((SELECT coalesce(E'\n' || shobj_description(d.oid, 'pg_database'), '') FROM pg_database d
                  WHERE d.datname = :'name'), E'\n' || (:'p'::jsonb ->> 'comment'), '') AS own
\gset
SELECT format('CREATE DATABASE %I TEMPLATE template0', :'new')
    || CASE WHEN p ? 'owner' THEN format(' OWNER %I', p ->> 'owner') ELSE '' END
    || CASE WHEN p ? 'encoding' THEN format(' ENCODING %L', p ->> 'encoding') ELSE '' END
    || CASE WHEN p ? 'collate' THEN format(' LC_COLLATE %L', p ->> 'collate') ELSE '' END
    || CASE WHEN p ? 'ctype' THEN format(' LC_CTYPE %L', p ->> 'ctype') ELSE '' END
    || CASE WHEN current_setting('server_version_num')::int < 150000 THEN ''
            ELSE CASE p ->> 'provider' WHEN 'c' THEN ' LOCALE_PROVIDER libc'
                   WHEN 'i' THEN format(' LOCALE_PROVIDER icu ICU_LOCALE %L', p ->> 'locale')
                   WHEN 'b' THEN format(' LOCALE_PROVIDER builtin BUILTIN_LOCALE %L', p ->> 'locale')
                   ELSE '' END END
    || CASE WHEN p ? 'rules' THEN format(' ICU_RULES %L', p ->> 'rules') ELSE '' END
    || CASE WHEN p ? 'tablespace' THEN format(' TABLESPACE %I', p ->> 'tablespace') ELSE '' END,
       format('COMMENT ON DATABASE %I IS %L', :'new', :'mark' || :'own')
  FROM (SELECT :'p'::jsonb AS p) AS one
\gexec
