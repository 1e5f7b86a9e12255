"""Bash that makes a database as a backup says and loads its dump, for a drill and a restore. Pure."""

from __future__ import annotations

import json
from collections.abc import Sequence

from schedgen_ops.backup.catalog import manifest as m
from schedgen_ops.backup.databases import properties, sql

# Whoever runs this has `inside PROGRAM...` in the database's container, `psql` there with the variables new,
# name and mark, `fail`, and `unpack`. $reader is the program that reads the dump, with its options.
LOADING = r"""
section() {
  local line text=''
  while IFS= read -r line && [ "$line" != == ]; do text+=$line$'\n'; done
  printf -v "$1" %s "$text"
}
sections() { local each; for each in roles tablespaces make empty finish count; do section "$each"; done; }
# A plain dump for an empty database, as this server and its psql understand it. It begins by dropping what it
# makes, which cannot always be named where it is not; a newer pg_dump's knows settings and commands that are
# not known here.
adapted() {
  local line name key='' last='' head=1
  while IFS= read -r line; do
    case $line in
      '-- Name: '*|'-- Data for Name: '*) [ "$last" != -- ] || { printf -- '%s\n' "$line"; break; } ;;
      '\restrict '*) if [ -n "$restricts" ]; then printf '%s\n' "$line"; else key=${line#* }; fi ;;
      '\unrestrict '*) [ -z "$restricts" ] || printf '%s\n' "$line" ;;
      'SET '*) name=${line#SET }; name=${name%% *}
        case $head$knows in 1*" $name "*) printf '%s\n' "$line" ;; esac ;;
      'SELECT pg_catalog.set_config('*) [ -z "$head" ] || printf '%s\n' "$line" ;;
      --*|'') ;;
      *) head='' ;;
    esac
    last=$line
  done
  case $key in
    ''|*[!A-Za-z0-9]*) cat ;;
    *) LC_ALL=C sed "/^\\\\unrestrict $key\$/d" ;;
  esac
}
dumped() {
  case $dump in
    *.sql*) unpack "$dump" | adapted ;;
    *) unpack "$dump" ;;
  esac
}
# The rest of the words are queries. The database's own settings come last: they may forbid all of this.
load() {
  local query answer as
  psql -d template1 <<< "$roles" >/dev/null || fail "the roles could not be made"
  psql -d template1 <<< "$make" >/dev/null || fail "no database could be made as the backup says"
  psql -d "$new" <<< "$empty" >/dev/null || fail "the new database could not be emptied"
  knows=" $(psql -d template1 -c "SELECT string_agg(name, ' ') FROM pg_settings" < /dev/null) " ||
    fail "the database server does not answer"
  restricts=$(inside psql --help=commands < /dev/null 2>/dev/null | grep -F '\restrict ')
  # An event trigger may forbid what comes after it in the dump: as a replica's it does not fire.
  as=$(psql -d template1 -c "SELECT '-c session_replication_role=replica' FROM pg_roles
    WHERE rolname = current_user AND rolsuper" < /dev/null)
  dumped | inside env PGOPTIONS="$as" $reader -U "$user" -d "$new" >/dev/null ||
    fail "the dump could not be restored"
  psql -d "$new" <<< "$count" || fail "the restored rows could not be counted"
  for query; do
    answer=$(psql -d "$new" -c "$query" < /dev/null | head -n 1) || fail "a query failed: $query"
    printf 'answer %s\n' "$answer"
  done
  psql -d "$new" <<< 'ANALYZE;' || fail "the restored database could not be analyzed"
  psql -d template1 <<< "$finish" >/dev/null || fail "the database's own settings could not be put back"
}
"""


def sections(backup: m.Manifest) -> str:
    """What `sections` reads on stdin: SQL for each part of `load`."""
    given = backup.properties
    texts = (
        roles(backup.roles),
        properties.make_tablespaces(given),
        properties.make(given),
        properties.empty(given),
        properties.finish(given),
        sql.counted(),
    )
    return "".join(f"{text}==\n" for text in texts)


def roles(names: Sequence[str]) -> str:
    """SQL that makes the roles which a dump may speak of, where they are missing."""
    text = json.dumps(list(names), ensure_ascii=False).replace("'", "''")
    return (
        "SET client_encoding = 'UTF8';\nSET standard_conforming_strings = on;\n"
        f"SELECT format('CREATE ROLE %I', name) FROM jsonb_array_elements_text('{text}'::jsonb) AS r(name)\n"
        " WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = name)\n\\gexec\n"
    )
