"""Databases of every kind through backup, drill, restore, exchange, and back: nothing of them changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import zoo
from database_contract import Case, DatabaseContract, next_second, there_and_back

from schedgen_ops.backup.catalog import names, superseded
from schedgen_ops.backup.catalog.manifest import Kind
from schedgen_ops.backup.create import run
from schedgen_ops.backup.data_location import running
from schedgen_ops.backup.restore.run import Restore
from schedgen_ops.errors import OpsError, Refused
from schedgen_ops.lab import base, engine, images
from schedgen_ops.lab.place import Place, locked
from schedgen_ops.lab.progress import Silent
from schedgen_ops.release.record import NO_RELEASE

MENAGERIE = """
CREATE TYPE status AS ENUM ('a', 'b'); CREATE TABLE t (id int PRIMARY KEY, s status);
INSERT INTO t VALUES (1, 'a');
CREATE VIEW v AS SELECT id, s, count(*) FROM t GROUP BY id;
CREATE TABLE p (id int, d date) PARTITION BY RANGE (d);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM ('2020-01-01') TO ('2030-01-01');
CREATE TABLE p2 PARTITION OF p DEFAULT;
INSERT INTO p VALUES (1, '2024-01-01'), (2, '1999-01-01');
CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM p;
CREATE TABLE f (id int, o oid); INSERT INTO f VALUES (1, lo_from_bytea(0, 'hello'));
CREATE SCHEMA "We'ird ""S"; CREATE TABLE "We'ird ""S"."Ta b" (x int);
INSERT INTO "We'ird ""S"."Ta b" VALUES (1);
CREATE TABLE public."new
line" (x int);
CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore; CREATE TABLE h (x hstore); INSERT INTO h VALUES ('a=>1');
CREATE INDEX ON h USING gin (x);
CREATE TABLE i (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, g int GENERATED ALWAYS AS (1) STORED);
INSERT INTO i DEFAULT VALUES;
CREATE POLICY pol ON i USING (true); ALTER TABLE i ENABLE ROW LEVEL SECURITY;
ALTER TABLE i FORCE ROW LEVEL SECURITY;
CREATE TABLE pub (x int PRIMARY KEY); CREATE PUBLICATION everything FOR TABLE pub;
CREATE EXTENSION postgres_fdw;
CREATE SERVER dead FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '192.0.2.1');
CREATE FOREIGN TABLE far (x int) SERVER dead;
CREATE TABLE migrations (version text PRIMARY KEY, applied_at timestamptz);
INSERT INTO migrations VALUES ('1', now());
CREATE TABLE elsewhere (x int) TABLESPACE big; INSERT INTO elsewhere VALUES (1);
CREATE TABLE people (name text COLLATE "de-AT-x-icu");
INSERT INTO people VALUES ('Zebra'), ('Ärger'), ('apfel');
CREATE FUNCTION no_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no ddl'; END $$;
CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION no_ddl();
"""
PROPERTIES = """
ALTER DATABASE "{0}" SET work_mem = '8MB';
ALTER DATABASE "{0}" SET search_path = "$user", 'we"ird', public;
ALTER DATABASE "{0}" SET default_transaction_read_only = on;
ALTER ROLE visitor IN DATABASE "{0}" SET app.key = 'it''s\\x';
REVOKE TEMPORARY ON DATABASE "{0}" FROM PUBLIC;
GRANT CONNECT ON DATABASE "{0}" TO visitor WITH GRANT OPTION;
COMMENT ON DATABASE "{0}" IS E'The owner''s own\\nand a second line';
"""
ICU = "LOCALE_PROVIDER icu ICU_LOCALE 'de-AT' LC_COLLATE 'C' LC_CTYPE 'C' TABLESPACE big CONNECTION LIMIT 7"


@pytest.fixture(scope="module")
def server(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[zoo.Server]:
    with locked(place):
        engine.ensure(place, Silent())
        if absent := images.missing((zoo.IMAGE,)):
            base.ensure(place, Silent())
            images.ensure(absent, Silent())
    with zoo.serving(tmp_path_factory.mktemp("zoo", numbered=True)) as found:
        found.psql("template1", "CREATE ROLE app; CREATE ROLE visitor")
        found.psql("template1", "CREATE TABLESPACE big LOCATION '/var/lib/postgresql/big'")
        yield found


class TestPostgres(DatabaseContract):
    """The suite of all engines."""


@pytest.mark.parametrize("form", ["plain", "custom"])
def test_a_database_with_everything_in_it_and_everything_about_it(server: zoo.Server, form: str) -> None:
    name = f"Shop-{form}"
    case = server.make(name, f"{ICU} OWNER app", MENAGERIE)
    server.psql("template1", PROPERTIES.format(name))
    there_and_back(case, form)
    (said,) = {text for text in case.said if "does not list migrations" in text}
    assert "migrations.table" in said


@pytest.mark.parametrize(
    ("name", "options", "sql"),
    [
        (
            "latin",
            "ENCODING 'LATIN1' LC_COLLATE 'C' LC_CTYPE 'C' IS_TEMPLATE true",
            'CREATE TABLE "größe" (t text); INSERT INTO "größe" VALUES (chr(228))',
        ),
        (
            "bytes",
            "ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'",
            "CREATE TABLE t (t text); INSERT INTO t VALUES (E'\\xe4'); DROP SCHEMA public CASCADE;"
            "CREATE SCHEMA other; CREATE TABLE other.t (t text); INSERT INTO other.t VALUES (E'\\xe4')",
        ),
        ("empty", "", ""),
    ],
)
def test_encodings_and_databases_without_what_others_have(
    server: zoo.Server, name: str, options: str, sql: str
) -> None:
    there_and_back(server.make(name, options, sql), "plain")


def test_neighbours_whose_names_look_like_ours_are_left_alone(server: zoo.Server) -> None:
    stamp = "20240101_000000"
    others = ["n_new_design", f"n_new_{stamp}", f"n_before_{stamp}", "n" * 40, "n" * 41, "n" * 31 + "1"]
    for other in others:
        server.make(other, "", "CREATE TABLE t (x int); INSERT INTO t VALUES (1)")
    # One with the mark of another's restore.
    server.psql("template1", f"COMMENT ON DATABASE n_before_{stamp} IS 'schedgen restore of \"m\" {stamp}'")
    case = server.make("n", "", "CREATE TABLE t (x int)")
    one = case.restore(case.backup())
    one.prepare()
    one.swap()
    found = superseded.look(case.context())
    assert set(found) == {one.location.before}
    unmarked = [text for text in case.said if "has no mark" in text]
    assert [text.split()[0] for text in unmarked] == [f"n_before_{stamp}"]
    with pytest.raises(OpsError, match="has no mark of a restore, and stays"):
        superseded.discard(case.context(), (f"n_before_{stamp}",))
    superseded.discard(case.context(), tuple(found))
    superseded.discard(case.context(), tuple(found))
    assert one.location.before not in server.names()
    for other in others:
        assert server.psql(other, "SELECT count(*) FROM t") == "1"


def test_what_an_earlier_restore_of_ours_left_goes_and_comments_stay_with_their_owners(
    server: zoo.Server,
) -> None:
    case = server.make("left", "", "CREATE TABLE t (x int)")
    backup = case.backup()
    old = case.restore(backup)
    old.prepare()
    assert names.mark("left", old.stamp) in str(server.about(old.location.new)["comment"])
    server.psql("template1", "COMMENT ON DATABASE \"left\" IS 'newer than the backup'")
    next_second()
    one = case.restore(backup)
    one.prepare()
    assert old.location.new not in server.names()
    one.swap()
    assert server.about("left")["comment"] == "newer than the backup"
    one.discard_old()
    assert server.names() & {one.location.before, one.location.new} == set()


def test_logical_slots_end_with_the_old_database_and_hold_no_wal(server: zoo.Server) -> None:
    case = server.make("pub", "", "CREATE TABLE pub (x int PRIMARY KEY); CREATE PUBLICATION p1 FOR TABLE pub")
    server.psql("pub", "SELECT pg_create_logical_replication_slot('tail', 'pgoutput')")
    one = case.restore(case.backup())
    one.prepare()
    one.swap()
    # Taken back, the slot is as it was.
    one.back()
    assert server.psql("pub", "SELECT database FROM pg_replication_slots") == "pub"
    one.swap()
    one.settle()
    assert server.psql("pub", "SELECT count(*) FROM pg_replication_slots") == "0"
    assert any("tail" in text and "begin anew" in text for text in case.said)
    one.discard_old()


def test_a_database_that_subscribes_is_refused_while_it_does_and_can_be_dropped(server: zoo.Server) -> None:
    publisher = "CONNECTION 'host=192.0.2.1' PUBLICATION p WITH (connect = false)"
    sql = f"CREATE TABLE t (x int); CREATE SUBSCRIPTION s {publisher}"
    case = server.make("sub", "", sql)
    backup = case.backup()
    server.psql("sub", "ALTER SUBSCRIPTION s ENABLE")
    with pytest.raises(Refused, match="subscriptions write into the database"):
        case.restore(backup).check()
    server.psql("sub", "ALTER SUBSCRIPTION s DISABLE")
    there_and_back(case, "plain")


def test_a_tablespace_that_is_not_there_is_refused_before_anything_is_changed(server: zoo.Server) -> None:
    case = server.make("placed", "", "CREATE TABLE t (x int) TABLESPACE big")
    backup, around = case.backup(), server.names()
    server.psql("placed", "ALTER TABLE t SET TABLESPACE pg_default")
    server.psql("template1", "ALTER TABLESPACE big RENAME TO small")
    try:
        with pytest.raises(Refused, match="in tablespaces that this server has not: big") as refused:
            case.restore(backup).check()
    finally:
        server.psql("template1", "ALTER TABLESPACE small RENAME TO big")
    assert "CREATE TABLESPACE" in refused.value.hint
    assert server.names() == around


def test_a_dump_of_a_newer_pg_dump_is_read_by_what_is_here(server: zoo.Server, tmp_path: Path) -> None:
    case = server.make("newer", ICU, "CREATE TABLE t (x int); INSERT INTO t VALUES (1)")
    server.psql("template1", PROPERTIES.format("newer"))
    # It was made before properties were noted: those of the database that is there are kept.
    first, backup = case.picture(), replace(case.backup(), properties={})
    (dump,) = [file.name for file in backup.files]
    folder = server.folder / "backups" / backup.id
    zoo.newer(folder / dump)
    one = case.restore(zoo.again(folder, backup))
    one.check()
    one.prepare()
    one.swap()
    assert case.picture() == first
    one.discard_old()


def test_objects_whose_folders_look_like_ours_are_backed_up_and_exchanged_as_the_others(
    server: zoo.Server,
) -> None:
    case = Case(server, "postgres")
    config = server.config("postgres", "plain", objects=True)
    with zoo.storing(server.folder) as store:
        old = ".schedgen-before-20240101_000000"
        objects = ("jobs/a", ".schedgen-designs/b", "xschedgen-new/c", f"{old}/d")
        for name in objects:
            store.sh(f"mkdir -p {name.rpartition('/')[0]} && echo {name} > {name}")
        first, only = store.tree(), frozenset({"objects"})
        next_second()
        source = run.Source(NO_RELEASE, "", running(case.context(config)))
        made = run.create(case.context(config), Kind.MANUAL, source, only)
        assert made.objects == len(objects)
        store.sh("rm -rf jobs .schedgen-designs && echo new > e")
        spoilt = store.tree()
        one = Restore(case.context(config), made, only)
        one.prepare()
        one.swap()
        aside_is = f"./.schedgen-before-{one.stamp}/"
        assert [line for line in store.tree() if not line.startswith(aside_is)] == first
        # What was put aside is no object of the next backup.
        next_second()
        again = run.create(case.context(config), Kind.MANUAL, source, only)
        assert again.objects == len(objects)
        one.back()
        one.drop()
        assert store.tree() == spoilt
        assert set(superseded.look(case.context(config))) == set()
        assert any(old in text and "has no mark" in text for text in case.said)
