"""Backups by hand, what is told of them, and what is left of one that failed: a record that says why."""

from __future__ import annotations

import base64
import json
import random
import re
import shlex
from pathlib import Path

import deploy_kit as kit
import pytest
from box import Box
from deploy_kit import Operator

from schedgen_ops import wire
from schedgen_ops.backup.catalog.manifest import Manifest, from_json
from schedgen_ops.backup.catalog.remote_commands import parse_catalog
from schedgen_ops.backup.create import integrity
from schedgen_ops.lab.place import Place


@pytest.fixture
def op(lab: Place, host: Box, tmp_path: Path) -> Operator:
    return Operator(lab, tmp_path, (host,)).configure()


def test_backups_are_made_listed_and_never_half(op: Operator, host: Box) -> None:
    nothing = op("backup.last")
    assert nothing.code != 0
    assert "`inv backup` makes one" in nothing.stderr
    made = op("backup")
    assert made.code == 0, made.output
    assert kit.in_order(
        made.stdout, ("=== Backup ===", "[INFO] Backup directory: backups/manual-", "verified")
    )
    (name,) = kit.backups(host)
    manifest = json.loads(host.sh(f"cat backups/{name}/manifest.json"))
    assert manifest["commit"] == host.sh("git rev-parse HEAD")
    assert manifest["rows"] == {"public.events": 98000, "public.jobs": 200000, "public.migrations": 2}
    assert manifest["migrations"] == ["CreateJobs1712000000000", "CreateEvents1714500000000"]
    assert (manifest["state"], manifest["objects"], manifest["server"][:3]) == ("DONE", 2000, "15.")
    assert host.sh(f"cmp .env backups/{name}/config.env && echo same") == "same"
    assert host.sh("find backups/* -type f ! -perm 0600; find backups -type d ! -perm 0700") == ""
    _assert_last(op, host, name)
    _assert_listed(op, host, name)
    _assert_failure_leaves_a_record(op, host, name)
    assert op("backup.config").code == 0
    # Only a part: the last one is still the one that can bring everything back.
    assert op.document("backup.last")["result"]["Backup"] == name
    assert op("backup.verify").code == 0


def _assert_last(op: Operator, host: Box, name: str) -> None:
    last = op("backup.last").stdout
    said = (host.name, f"/srv/schedgen/backups/{name}", "2000", "gunzip -c", "SHA-256", "298,002 rows")
    for text in said:
        assert text in last
    told = op.document("backup.last")["result"]
    assert told["Backup"] == name
    assert told["Restore it"] == f"inv backup.restore {name} --env lab"
    # What is told is pasted on the host, as it is.
    kept = "docker compose exec -T postgres psql -qtAU schedgen -c"
    host.sh(f"{kept} 'TRUNCATE events, jobs'")
    host.sh(told["The database by hand"])
    assert (host.count("jobs"), host.count("events")) == (200000, 98000)
    host.sh("docker compose exec -T minio sh -c 'rm -rf /data/schedules/done'")
    host.sh(told["The objects by hand"])
    count = "docker compose exec -T minio sh -c 'ls /data/schedules/done | wc -l'"
    assert host.sh(count) == "2000"


def _assert_listed(op: Operator, host: Box, name: str) -> None:
    assert re.search(rf"^{host.name} +{name} ", op("backup.list").stdout, re.M)
    (row,) = op.document("backup.list")["result"]
    total = sum(map(int, host.sh(f"stat -c %s backups/{name}/*.gz backups/{name}/config.*").split()))
    assert (row["host"], row["backup"], row["size"]) == (host.name, name, total)


def _assert_failure_leaves_a_record(op: Operator, host: Box, name: str) -> None:
    with kit.as_root(host, "docker compose stop postgres", "docker compose start postgres"):
        failed = op("backup")
    assert failed.code == 3, failed.output
    assert kit.in_order(failed.stderr, ("postgres is not running", host.name, "inv logs postgres"))
    assert "Backup Complete" not in failed.stdout
    assert kit.backups(host) == (name,)


DAMAGE = """
cd backups
for case in $(cat cases); do
  IFS=: read -r file what at byte <<< "$case"
  rm -rf work && cp -a good work && cd work
  case $what in
    change) printf "\\x$byte" | dd of="$file" bs=1 seek="$at" conv=notrunc status=none ;;
    cut) truncate -s "$at" "$file" ;;
    swap) cp ../other/"$file" "$file" ;;
    lose) rm "$file" ;;
  esac
  cd ..
  echo "== $case"
  echo "manifest $(tr -d '\\n\\0' < work/manifest.json 2>/dev/null | base64 -w 0)"
  bash -c "$VERIFY"
done
"""


def test_two_hundred_damages_of_every_kind_are_all_found(op: Operator, host: Box) -> None:
    # Little data, so that each round is quick; two backups of it, to swap files.
    psql = "docker compose exec -T postgres psql -qU schedgen -c"
    host.sh(f"{psql} 'TRUNCATE events; DELETE FROM jobs WHERE file_name !~ $$-99..pdf$$'")
    host.sh("docker compose exec -T minio sh -c 'rm /data/schedules/done/seed-[01]*[1-9].pdf'")
    assert op("backup").code == 0
    host.sh(f"{psql} 'DELETE FROM jobs WHERE pdf_type = $$EXAM$$'")
    host.sh("docker compose exec -T minio sh -c 'rm /data/schedules/done/seed-0010.pdf'")
    assert op("backup").code == 0
    (good, other) = kit.backups(host)
    host.sh(f"cp -a backups/{good} backups/good; cp -a backups/{other} backups/other")
    text = host.sh("cat backups/good/manifest.json")
    manifest = from_json(text)
    assert _verified(op, host, manifest, []) == {"": True}
    cases = _damages({**{file.name: file.size for file in manifest.files}, "manifest.json": len(text)}, host)
    found = _verified(op, host, manifest, cases)
    assert (len(found), [case for case, fine in found.items() if fine]) == (200, [])
    # And by the task, on the host's own folder.
    host.sh(f"truncate -s -1 backups/{other}/database.sql.gz")
    told = op("backup.verify")
    assert told.code == 5, told.output
    assert kit.in_order(told.stderr, (f"backup {other} is damaged", host.name, "database.sql.gz has"))
    host.sh(f"sed -i 's/EXAM/exam/; s/DONE/DONA/' backups/{other}/manifest.json")
    assert "was altered: it is no backup" in op("backup.verify").stderr
    assert op.document("backup.last")["result"]["Backup"] == good


def _damages(sizes: dict[str, int], host: Box) -> list[str]:
    """200 damages, the same in every run: `file:what:at:byte`, the byte another than the one there."""
    dice, cases = random.Random(20241130), dict[str, None]()
    whole = {file: base64.b64decode(host.sh(f"base64 -w0 backups/good/{file}")) for file in sizes}
    for file in sizes:
        cases[f"{file}:lose::"] = None
        if file != "config.env":
            cases[f"{file}:swap::"] = None
    while len(cases) < 200:
        file = dice.choice([*sizes])
        at = dice.randrange(sizes[file])
        if dice.random() < 0.25:
            cases[f"{file}:cut:{at}:"] = None
        else:
            cases[f"{file}:change:{at}:{whole[file][at] ^ dice.randrange(1, 256):02x}"] = None
    return [*cases]


def _verified(op: Operator, host: Box, manifest: Manifest, cases: list[str]) -> dict[str, bool]:
    """Whether each damaged copy passes for good: its manifest is read, and its files by the real script."""
    lines = "\n".join(cases) if cases else ":nothing::"
    verify = integrity.verify("work", manifest).text
    host.sh(f"cat > backups/cases <<'E'\n{lines}\nE")
    answer = host.sh(f"export VERIFY={shlex.quote(verify)}\n{DAMAGE}")
    found = {}
    for part in answer.split("== ")[1:]:
        case, line, *rest = part.splitlines()
        text = wire.text(base64.b64decode(line.removeprefix("manifest ")))
        listed = parse_catalog(f"{manifest.id} {text}\n").good
        wrong = integrity.parse_verified("\n".join(rest), manifest)
        found[case.removeprefix(":nothing::")] = bool(listed) and listed[0] == manifest and not wrong
    return found


SLOW = """
nohup docker compose exec -T postgres psql -qU schedgen -c '
  BEGIN; LOCK TABLE events IN ACCESS EXCLUSIVE MODE; SELECT pg_sleep(600)' >/dev/null 2>&1 </dev/null &
"""
HBA = """
docker compose exec -T -u postgres postgres \\
  sh -c 'sed -i "/^local/s/{}$/{}/" "$PGDATA/pg_hba.conf" && pg_ctl reload >/dev/null'
"""
_PSQL = "docker compose exec -T postgres psql -qtAU schedgen -c"
OTHER = f"{_PSQL} \"ALTER ROLE schedgen PASSWORD 'other'\""
ITS_OWN = f"{_PSQL} \"ALTER ROLE schedgen PASSWORD '$(sed -n s/^POSTGRES_PASSWORD=//p .env)'\""
LOCKED = f"{_PSQL} \"SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND granted\""


def test_every_cause_of_a_failed_backup_is_named_and_the_last_good_one_stays(op: Operator, host: Box) -> None:
    assert op("backup.database").code == 0
    (good,) = kit.backups(host)

    def fails(*said: str, code: int = 5) -> None:
        ran = op("backup")
        assert ran.code == code, ran.output
        assert kit.in_order(ran.stderr, said), ran.stderr

    with kit.as_root(host, "chown root backups", "chown deploy backups"):
        fails("backups is not writable for this user", "ls -ld backups")
    strict, open_ = HBA.format("trust", "scram-sha-256"), HBA.format("scram-sha-256", "trust")
    with kit.as_root(host, OTHER + strict, open_ + ITS_OWN):
        fails("refuses the password of schedgen", "POSTGRES_PASSWORD in .env")
    op.configure(database={"service": "postgres", "user": "nobody", "name": "schedgen"})
    fails("the database does not let nobody in", "POSTGRES_USER")
    op.configure()
    assert op.document("backup.last")["result"]["Backup"] == good
    # The database is killed while it is dumped.
    begun = _begun(op, host)
    host.sh("docker kill schedgen-postgres-1")
    ended = begun.wait()
    assert ended.code == 5, ended.output
    assert kit.in_order(ended.stderr, ("the service postgres went away", "inv logs postgres"))
    host.sh("docker start schedgen-postgres-1; docker compose up -d --no-recreate --wait postgres")
    # The connection is cut while it is dumped: the host ends by itself what it began.
    begun = _begun(op, host)
    host.sh("pkill -KILL -u deploy sshd || true", user="root")
    ended = begun.wait()
    assert ended.code == 8, ended.output
    kit.wait_for(lambda: "part" not in host.sh("ls backups"), "the partial backup to go", 30)
    host.sh("docker restart -t 0 schedgen-postgres-1; docker compose up -d --no-recreate --wait postgres")
    kit.wait_for(lambda: kit.lock_is_free(host), "the lock to end", 20)
    assert op.document("backup.last")["result"]["Backup"] == good
    assert op("backup").code == 0


def _begun(op: Operator, host: Box) -> kit.Running:
    """A backup in the middle of its dump."""
    host.sh(SLOW)
    kit.wait_for(lambda: host.sh(LOCKED) != "0", "the table to be locked")
    begun = op.start("backup")
    kit.wait_for(
        lambda: host.sh("ls backups/*.part/database.* 2>/dev/null || true") != "", "the dump to begin"
    )
    return begun


_CUT_THE_DUMP = """
docker compose exec -T postgres psql -qtA -U schedgen -c "
  CREATE TABLE endless AS SELECT n, md5(n::text) FROM generate_series(1, 1500000) n"
nohup docker compose exec -T postgres bash -c '
  until psql -qtA -U schedgen -c "
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE application_name = '"'pg_dump'"' AND query LIKE '"'COPY%endless%'"'" | grep -q t; do :; done
' >/dev/null 2>&1 </dev/null &
"""


def test_a_dump_that_breaks_off_stops_the_deploy_before_any_change(op: Operator, host: Box) -> None:
    commit, before = host.sh("git rev-parse HEAD"), kit.containers(host)
    host.sh(_CUT_THE_DUMP)
    ran = op("deploy", "--branch", "v1.2.3")
    assert ran.code == 4, ran.output
    assert kit.in_order(ran.stderr, ("backup failed", "Pre-deployment backup", '"endless" failed'))
    # Code and images are made beside the backup; nothing that serves is touched before it is there.
    assert "=== Step 3" not in ran.stdout
    (record,) = kit.backups(host)
    assert host.sh(f"ls backups/{record}") == "manifest.json"
    assert json.loads(host.sh(f"cat backups/{record}/manifest.json"))["state"] == "FAILED"
    assert kit.containers(host) == before
    kit.untouched(host, "1.2.2", commit)
