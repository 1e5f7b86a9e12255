"""What a database is besides what is in it: its locale, encoding, place, limit, grants, settings. Pure.

pg_dump leaves all that to whoever makes the database. A backup notes it, and a restore makes the new one so.
Everything is one JSON object, so that a server of any version tells what it knows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from schedgen_ops.host_scripts import joined

_QUIET = "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"

_ONE = joined("backup/property.sql").rstrip()

_CHOSEN = f"""SELECT CASE WHEN given = '{{}}' THEN coalesce((SELECT {_ONE} FROM pg_database d
                 WHERE d.datname = :'name'), given) ELSE given END AS p
  FROM (SELECT 'GIVEN'::jsonb AS given) AS backup
\\gset
"""

# :'new' is made and marked at once; its comment is the owner's, as it is now.
_MAKE = """
SELECT coalesce((SELECT coalesce(E'\\n' || shobj_description(d.oid, 'pg_database'), '') FROM pg_database d
                  WHERE d.datname = :'name'), E'\\n' || (:'p'::jsonb ->> 'comment'), '') AS own
\\gset
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
\\gexec
"""

# Settings whose value is a list of names in the form that SET would make one name of.
_LISTS = "('search_path', 'temp_tablespaces', 'local_preload_libraries', 'session_preload_libraries')"

# What would be in the way while the dump is loaded, or what only a whole database should have.
_FINISH = f"""
WITH setting AS (
  SELECT n, split_part(each ->> 1, '=', 1) AS name, substr(each ->> 1, strpos(each ->> 1, '=') + 1) AS value,
         CASE each ->> 0 WHEN '' THEN format('ALTER DATABASE %I', :'new')
                         ELSE format('ALTER ROLE %I IN DATABASE %I', each ->> 0, :'new') END AS alter
    FROM jsonb_array_elements(:'p'::jsonb -> 'settings') WITH ORDINALITY AS s(each, n))
SELECT CASE WHEN name IN {_LISTS} THEN format('SELECT set_config(%L, %L, false)', name, value) END,
       CASE WHEN name IN {_LISTS} THEN format('%s SET %I FROM CURRENT', alter, name)
            ELSE format('%s SET %I TO %L', alter, name, value) END
  FROM setting ORDER BY n
\\gexec
RESET ALL;
SET client_encoding = 'UTF8';
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC, %I', :'new', p ->> 'owner')
  FROM (SELECT :'p'::jsonb AS p) AS one WHERE p ? 'grants'
\\gexec
SELECT CASE WHEN g ->> 0 <> p ->> 'owner' THEN format('SET SESSION AUTHORIZATION %I', g ->> 0) END,
       format('GRANT %s ON DATABASE %I TO %s%s', g ->> 2, :'new',
              CASE g ->> 1 WHEN '' THEN 'PUBLIC' ELSE quote_ident(g ->> 1) END,
              CASE WHEN (g ->> 3)::boolean THEN ' WITH GRANT OPTION' ELSE '' END),
       CASE WHEN g ->> 0 <> p ->> 'owner' THEN 'RESET SESSION AUTHORIZATION' END
  FROM (SELECT :'p'::jsonb AS p) AS one, jsonb_array_elements(p -> 'grants') AS g
 WHERE g ->> 2 IN ('CREATE', 'CONNECT', 'TEMPORARY')
 ORDER BY g ->> 0 <> p ->> 'owner', g::text
\\gexec
SELECT format('ALTER DATABASE %I CONNECTION LIMIT %s', :'new', (p ->> 'limit')::int)
  FROM (SELECT :'p'::jsonb AS p) AS one WHERE (p ->> 'limit')::int >= 0
UNION ALL
SELECT format('ALTER DATABASE %I IS_TEMPLATE true', :'new')
  FROM (SELECT :'p'::jsonb AS p) AS one WHERE (p ->> 'template')::boolean
\\gexec
"""

# In the new database, before the dump: it may not have what every database begins with.
_EMPTY = """
SELECT 'DROP SCHEMA public' WHERE :'p'::jsonb -> 'public' = 'false'
\\gexec
"""

# For a throwaway server alone: :'where' has a folder for each, by its number.
_TABLESPACES = """
SELECT format('CREATE TABLESPACE %I LOCATION %L', name, :'where' || '/' || n)
  FROM jsonb_array_elements_text(:'p'::jsonb -> 'all') WITH ORDINALITY AS t(name, n)
\\gexec
"""


def make(properties: Mapping[str, Any]) -> str:
    """SQL for psql that makes the database :'new' as :'name' was when it was backed up, marked with :'mark'.

    Args:
        properties: as the backup has them; what an older backup does not say is as in :'name' now.
    """
    return _with(properties, _MAKE)


def empty(properties: Mapping[str, Any]) -> str:
    """SQL that leaves nothing in a new database that the dump does not expect."""
    return _with(properties, _EMPTY)


def finish(properties: Mapping[str, Any]) -> str:
    """SQL that gives the loaded database :'new' its settings, grants and limit."""
    return _with(properties, _FINISH)


def tablespaces(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """The tablespaces that the server must have besides its own."""
    named = properties.get("tablespaces")
    names = {str(properties.get("tablespace", "")), *(map(str, named) if isinstance(named, list) else ())}
    return tuple(sorted(names - {"", "pg_default", "pg_global"}))


def make_tablespaces(properties: Mapping[str, Any]) -> str:
    """SQL that makes those tablespaces in the numbered folders of :'where'."""
    return _with({"all": list(tablespaces(properties))}, _TABLESPACES)


def _with(properties: Mapping[str, Any], sql: str) -> str:
    """`sql` with :'p', the properties that a backup has, or else those of :'name' as it is now."""
    text = json.dumps(dict(properties), ensure_ascii=False).replace("'", "''")
    return f"{_QUIET}{_CHOSEN.replace('GIVEN', text)}{sql.strip()}\n"
