"""`inv status`: what a host's answers come to, in words and as JSON, in one round trip a host."""

from __future__ import annotations

import json
from collections.abc import Sequence

import pytest
import test_tasks
from fakes import FakeHost, context, result
from kit import BACKUP, settings
from test_tasks import Capture, Inv

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.cli import status_tables
from schedgen_ops.commands.maintenance import Maintenance
from schedgen_ops.errors import OpsError
from schedgen_ops.looking import status
from schedgen_ops.outcomes import Outcomes
from schedgen_ops.remote import Remote, Result
from schedgen_ops.shell import Command

inv = test_tasks.inv

AT = 1736946000
STARTED = "2025-01-15T12:00:00.123456789Z"
SERVICES = ("postgres", "redis", "minio", "pdf-worker", "backend", "frontend", "prometheus", "grafana")
ROOM = "project\t/srv\t/dev/sda1 1000 600 400 60% /srv\ntmp\t/tmp\t/dev/sda2 1000 100 900 10% /tmp\n"


def sampled(services: Sequence[str] = SERVICES, state: str = "running\thealthy", restarts: int = 0) -> str:
    """What the sampler says: two rounds, half a second of CPU between them."""
    lines = []
    for number, at in ((1, AT), (2, AT + 1)):
        lines += [f"round\t{number}\t{at}000000", f"cpu\t{number * 50}\t{number * 100}", "memory\t1000\t250"]
        lines += ["containers"]
        for name in services:
            more = f"{name}\tr1-abc1234\t{state}\t{restarts}\tfalse\t{STARTED}\t172.0.0.1,"
            lines.append(f"container\tid-{name}\t/schedgen-{name}-1\t{more}")
            lines.append(f"usage\tid-{name}\t10485760\t20971520\t{number * 500000}")
        lines.append(f"end\t{number}\t1000")
    return "\n".join(lines) + "\n"


def answers(**changes: str | Result) -> dict[str, str | Result]:
    made = f"{BACKUP.id} {manifest.to_json(BACKUP)}\n"
    return {
        "watch": sampled(),
        "df": ROOM,
        "read the releases": "\n",
        "schedgen-lock-who": "free\n",
        "look at the guard": "",
        "look at the watch": "",
        "are visitors let in": "",
        "list backups": made,
        **{name.replace("_", " "): value for name, value in changes.items()},
    }


class Once(FakeHost):
    """Counts its round trips; the commands have no title once they are in a folder."""

    trips = 0

    def together(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
        self.trips += 1
        return super().together(commands, deadline=deadline)


def host(name: str = "app1", **changes: str | Result) -> Once:
    return Once(name, answers(**changes))


def look(remote: Remote) -> status.HostStatus:
    return status.look(context(remote, settings()))


def test_a_host_tells_how_it_stands_in_one_round_trip() -> None:
    on = host()
    seen = look(on)
    assert (on.trips, len(on.commands)) == (1, 8)
    assert seen.services is not None
    backend = next(row for row in seen.services if row.service == "backend")
    assert (backend.state, backend.cpu_percent, backend.memory) == ("healthy", 50.0, 10485760)
    assert (seen.cpu_percent, seen.memory_percent) == (50.0, 75.0)
    assert seen.disk is not None
    assert seen.disk.mount == "/srv"
    assert (seen.lock, seen.guard, seen.release) == ("", "", "")
    assert seen.backup == BACKUP
    assert seen.unknown == ()


def test_services_stand_in_the_order_of_the_configuration_and_a_missing_one_is_named() -> None:
    seen = look(host(watch=sampled(["zeta", "grafana", "postgres"])))
    assert seen.services is not None
    assert [row.service for row in seen.services] == [*SERVICES, "zeta"]
    assert {row.service for row in seen.services if row.state == "missing"} == {*SERVICES} - {
        "grafana",
        "postgres",
    }


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"watch": result(code=124, stderr="did not end within 25 s")},
            "the services: did not end within 25 s",
        ),
        ({"watch": "round\t1\t5\nend\t1\t3\n"}, "the services: the Docker Engine did not answer"),
        ({"schedgen-lock-who": "gibberish"}, "who holds the lock: the host answered 'gibberish'"),
        (
            {"df": result(code=1, stderr="df: /srv: no such folder")},
            "the room on its disks: df: /srv: no such",
        ),
        ({"list backups": result(code=1, stderr="cd: denied")}, "its backups: cd: denied"),
        ({"read the releases": "broken\n"}, "which release serves: "),
    ],
)
def test_what_cannot_be_found_out_is_unknown_and_hides_nothing_else(
    changes: dict[str, str | Result], said: str
) -> None:
    on = Once("app1", answers() | changes)
    seen = look(on)
    assert any(text.startswith(said) for text in seen.unknown), seen.unknown
    assert sum(value is None for value in (seen.services, seen.lock, seen.disk, seen.release)) <= 1


def test_the_lock_says_who_is_at_work() -> None:
    assert look(host(**{"schedgen-lock-who": f"held {test_tasks.BOB}"})).lock == "bob@desk, deploy v1.2.2"


def test_the_tables_name_what_is_not_well(inv: Inv, capsys: Capture) -> None:
    on = host(watch=sampled(SERVICES[:-1], "running\tunhealthy", 3))
    assert inv("status", on=[on]) == 0
    out = capsys.readouterr().out
    assert "=== Services ===" in out
    row = next(line for line in out.splitlines() if " backend " in line)
    assert " ".join(row.split()) == "app1 backend backend-1 unhealthy abc1234 1 h 3 50 % 10 MiB (50 %)"
    last = out.splitlines()[-1]
    assert last.startswith("app1  none")
    assert "0/8" in last
    assert "backend (unhealthy)" in last
    assert "grafana (missing)" in last
    assert "60 % of /srv" in last
    assert last.endswith("1 h ago")


def test_one_document_has_numbers_for_programs(inv: Inv, capsys: Capture) -> None:
    assert inv("status", "--json", on=[host()]) == 0
    found = json.loads(capsys.readouterr().out)["results"]
    assert found["Services"][0]["memory"] == {"used": 10485760, "limit": 20971520}
    (row,) = found["Hosts"]
    assert (row["well"], row["not_well"], row["cpu_percent"]) == ("8/8", [], 50.0)
    assert row["last_backup"]["id"] == BACKUP.id


def test_ages_are_reckoned_by_the_hosts_clock() -> None:
    assert status.age(STARTED, AT + 1) == 3600.9
    assert status.age("nonsense", AT) is None
    assert status.age(STARTED, 0.0) is None


def test_a_host_that_cannot_be_asked_is_an_error() -> None:
    on = FakeHost("app1", dict.fromkeys(answers(), OpsError("gone")))
    with pytest.raises(OpsError, match="gone"):
        look(on)


AWAY = "visitors of all services are turned away (ann@desk)"


def test_that_visitors_are_turned_away_is_told() -> None:
    assert look(host(are_visitors_let_in=f"{AWAY}\n")).maintenance == Maintenance(AWAY, "ann@desk")
    assert look(host()).maintenance == Maintenance()


TOLD = {"what": AWAY, "by": "ann@desk", "since": "2025-01-15T12:55:01+00:00", "seconds": 300.0}


@pytest.mark.parametrize(
    ("noted", "shown", "told"),
    [
        (f"{AWAY}\n{AT - 299}\n", "on for 5 min", TOLD),
        (f"{AWAY}\n", "on", {**TOLD, "since": "", "seconds": None}),
        ("", "-", {"what": "", "by": "", "since": "", "seconds": None}),
        (result(code=1, stderr="denied"), "?", None),
    ],
)
def test_the_row_of_a_host_says_for_how_long_visitors_are_turned_away(
    inv: Inv, capsys: Capture, noted: str | Result, shown: str, told: object
) -> None:
    on = host(are_visitors_let_in=noted)
    assert inv("status", on=[on]) == 0
    said = capsys.readouterr()
    assert f" free  {shown} " in next(line for line in said.out.splitlines() if line.startswith("app1  none"))
    assert (f"Maintenance: {AWAY}" in said.out + said.err) == shown.startswith("on")
    assert inv("status", "--json", on=[on]) == 0
    (row,) = json.loads(capsys.readouterr().out)["results"]["Hosts"]
    assert row["maintenance"] == told


@pytest.mark.parametrize("since", ["soon", "9" * 30])
def test_a_note_of_nonsense_is_unknown(since: str) -> None:
    seen = look(host(are_visitors_let_in=f"{AWAY}\n{since}\n"))
    assert seen.maintenance is None
    assert seen.unknown[0].startswith("whether visitors are turned away: ")


def test_a_host_that_is_out_of_its_load_balancer_says_so_and_what_puts_it_back() -> None:
    config = settings("app1", "app2", balancer={"health": "/healthz"})
    on = host(is_the_host_taken_out=f"taken out of the load balancer (ann@desk)\n{AT}\n")
    seen = status.look(context(on, config))
    assert seen.balancer is not None
    assert (seen.balancer.by, seen.balancer.since) == ("ann@desk", "2025-01-15T13:00:00+00:00")
    ((name, told),) = status_tables.warnings(Outcomes({"app1": seen}))
    assert (name, told.partition(";")[2]) == ("app1", " `inv deploy.recover` puts it back")
    assert "taken out of the load balancer (ann@desk)" in told
    seen = status.look(context(host(is_the_host_taken_out=""), config))
    assert not list(status_tables.warnings(Outcomes({"app1": seen})))
