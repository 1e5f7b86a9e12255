"""What a dump's head becomes for an empty database on an older server, by a real shell."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest
from kit import BACKUP, DATABASE, bash

from schedgen_ops.backup.restore.scripts import told
from schedgen_ops.host_scripts import joined
from schedgen_ops.shell import script

SCRIPT = joined("databases/postgres.bash")
KEY = "6YN3AvbEvFmbddsBSirrTdhsfBvhghp0"
HEAD = f"""--
-- PostgreSQL database dump
--

\\restrict {KEY}

SET statement_timeout = 0;
SET transaction_timeout = 0;
SELECT pg_catalog.set_config('search_path', '', false);

"""
DROPS = """DROP EVENT TRIGGER IF EXISTS no_ddl;
CREATE OR REPLACE VIEW public.v AS
SELECT
    NULL::public.status AS s;
DROP TABLE IF EXISTS public."
-- Name: no comment
SET role = x
";
DROP TYPE IF EXISTS public.status;
"""
BODY = f"""--
-- Name: status; Type: TYPE; Schema: public; Owner: o
--

SET default_tablespace = '';
CREATE TYPE public.status AS ENUM ('DROP', '
\\unrestrict no key of ours');
--
-- PostgreSQL database dump complete
--

\\unrestrict {KEY}

"""


def adapted(tmp_path: Path, text: str, restricts: str) -> list[str]:
    (tmp_path / "database.sql.gz").write_bytes(gzip.compress(text.encode()))
    body = f"{SCRIPT}restricts=$1 knows=' statement_timeout '; gzip -dc database.sql.gz | adapted"
    answer = bash(script(body, restricts), tmp_path)
    assert answer.ok, answer.stderr
    return answer.stdout.splitlines()


@pytest.mark.parametrize("drops", ["", DROPS])
@pytest.mark.parametrize("restricts", ["", "yes"])
def test_what_is_dropped_first_and_what_is_not_known_here_is_left_out(
    tmp_path: Path, drops: str, restricts: str
) -> None:
    found = adapted(tmp_path, HEAD + drops + BODY, restricts)
    own = [f"\\restrict {KEY}"] if restricts else []
    kept = [*own, "SET statement_timeout = 0;", "SELECT pg_catalog.set_config('search_path', '', false);"]
    body = [line for line in BODY.splitlines() if restricts or line != f"\\unrestrict {KEY}"]
    assert found == [*kept, *body[1:]]


def test_an_empty_database_stays_empty(tmp_path: Path) -> None:
    found = adapted(tmp_path, HEAD + BODY[BODY.index("--\n-- PostgreSQL") :], "yes")
    assert found[0] == f"\\restrict {KEY}"
    assert found[-1] == f"\\unrestrict {KEY}"


def test_what_a_backup_says_reaches_psql_as_variables_whatever_it_holds(tmp_path: Path) -> None:
    made = replace(BACKUP, roles=("it's", "two\nlines"), properties={"comment": "a\\b", "tablespace": "big"})
    body = f"{SCRIPT}db_read_told && given 'SELECT 1;'"
    answer = bash(script(body).with_stdin(told(DATABASE, made)), tmp_path)
    assert answer.stdout.splitlines() == [
        r"""\set roles '["it\'s", "two\\nlines"]'""",
        r"""\set given '{"comment": "a\\\\b", "tablespace": "big"}'""",
        r"""\set tablespaces '["big"]'""",
        "SELECT 1;",
    ]
    cut = bash(script(body).with_stdin("[]\n{}"), tmp_path)
    assert (cut.ok, cut.stdout) == (False, "")
