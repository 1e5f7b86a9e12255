-- Of the database in row d, an expression: what it is besides what is in it. Everything is one JSON object, so
-- that a server of any version tells what it knows.
jsonb_strip_nulls(jsonb_build_object(
  'owner', pg_get_userbyid(d.datdba), 'encoding', pg_encoding_to_char(d.encoding),
  'provider', to_jsonb(d) ->> 'datlocprovider', 'collate', d.datcollate, 'ctype', d.datctype,
  'locale', coalesce(to_jsonb(d) ->> 'datlocale', to_jsonb(d) ->> 'daticulocale'),
  'rules', to_jsonb(d) ->> 'daticurules', 'limit', d.datconnlimit, 'template', d.datistemplate,
  'tablespace', (SELECT spcname FROM pg_tablespace t WHERE t.oid = d.dattablespace),
  'comment', shobj_description(d.oid, 'pg_database'),
  'grants', CASE WHEN d.datacl IS NOT NULL THEN (SELECT coalesce(jsonb_agg(jsonb_build_array(
      pg_get_userbyid(a.grantor), CASE a.grantee WHEN 0 THEN '' ELSE pg_get_userbyid(a.grantee) END,
      a.privilege_type, a.is_grantable)), '[]') FROM aclexplode(d.datacl) a) END,
  'settings', (SELECT jsonb_agg(jsonb_build_array(coalesce(r.rolname, ''), s.text)
                                ORDER BY r.rolname, s.place)
      FROM pg_db_role_setting x LEFT JOIN pg_roles r ON r.oid = x.setrole,
           unnest(x.setconfig) WITH ORDINALITY AS s(text, place) WHERE x.setdatabase = d.oid)))
