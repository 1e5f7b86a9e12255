"""The checklist before a deploy: what is ticked, what is not, and what a deploy makes of it."""

from __future__ import annotations

import json
import ssl
import subprocess
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import create_server

import pytest
from deploying import deploy, one
from fakes import FakeClock, FakeHost, result
from kit import BACKUP, bash, settings
from simulated import SimHost
from simulated_world import NEW, fresh

from schedgen_ops.backup.catalog import manifest
from schedgen_ops.checklist import certificates, changes, reading, run
from schedgen_ops.checklist.boxes import Mark, Tick
from schedgen_ops.checklist.certificates import SiteCertificate
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.errors import ConnectionLost
from schedgen_ops.host_context import HostContext
from schedgen_ops.preflight.probe import Problem
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command, sh

NOW = FakeClock().now()
LOOKED = "\n".join((NEW, "1234567 Page count", "--", "M\tbackend/main.js", "--", "", "--", ""))


class Answering(SimHost):
    """A host that answers one command otherwise, by the start of its title."""

    def __init__(self, title: str = "", answer: Result | Exception | None = None) -> None:
        super().__init__()
        self.title, self.given = title, answer

    def _answer(self, command: Command) -> Result:
        if self.title and (command.title or command.text).startswith(self.title):
            if isinstance(self.given, Exception):
                raise self.given
            assert self.given is not None
            return self.given
        return super()._answer(command)


def filled(host: FakeHost) -> dict[str, Tick]:
    """The boxes by their titles."""
    context = HostContext(host, one, FakeClock(), lambda _: None)
    return {tick.box.title: tick for tick in run.look(context, Ref("v1.2.3")).ticks}


def test_on_a_host_that_is_ready_nothing_fails_and_what_is_a_persons_stays_listed() -> None:
    found = filled(SimHost())
    assert not [tick for tick in found.values() if tick.mark in (Mark.FAILED, Mark.UNKNOWN)]
    assert found["Version to deploy"].text == f"v1.2.3 is {NEW[:12]}"
    assert found["Changes since the last deployment"].text == "1 commit, 1 file"
    assert found["Clock"].mark is Mark.PASSED
    assert found["What runs now is well"].mark is Mark.PASSED
    assert found["Last backup"].text == "there is no good backup"
    assert [tick.box.title for tick in found.values() if tick.mark is Mark.PERSON] == [
        "The team knows when, how long, and what to expect",
        "Somebody is on standby for a rollback",
        "Dashboards are open",
        "Logs are being watched",
    ]


def test_it_takes_two_round_trips_and_changes_nothing() -> None:
    class Counting(SimHost):
        trips = 0

        def together(self, *args: object, **options: object) -> tuple[Result, ...]:
            self.trips += 1
            return super().together(*args, **options)  # type: ignore[arg-type]

    host = Counting()
    filled(host)
    assert host.trips == 2
    assert host.world.changed == []


def test_the_containers_are_asked_for_once() -> None:
    asked: list[str] = []

    class Noting(SimHost):
        def together(self, commands: Sequence[Command], *, deadline: float) -> tuple[Result, ...]:
            asked.extend(command.title for command in commands)
            return super().together(commands, deadline=deadline)

    assert filled(Noting())["What runs now is well"].mark is Mark.PASSED
    assert asked.count("docker inspect") == 1


def test_without_its_directory_a_host_has_passed_nothing() -> None:
    host = Answering(sh("true").in_dir("/srv/schedgen").text, result(code=1))
    found = filled(host)
    assert found["Project directory"].mark is Mark.FAILED
    assert found["Git status"].mark is Mark.UNKNOWN
    assert found["What runs now is well"].mark is Mark.UNKNOWN


def test_a_variable_that_compose_insists_on_refuses_a_deploy_before_anything_is_changed() -> None:
    said = 'error while interpolating services.x: required variable SMTP_HOST is missing a value: "set it"'
    host = Answering("look at v", result(LOOKED, stderr=said, code=1))
    tick = filled(host)["Variables of the new compose file"]
    assert tick.mark is Mark.FAILED
    assert "needs SMTP_HOST" in tick.text
    assert "/srv/schedgen/.env" in tick.fix
    outcome = deploy(host)
    assert outcome.code == 3
    assert host.world.changed == []


def test_a_variable_that_will_be_blank_is_a_warning_unless_it_is_a_credential() -> None:
    said = """time="x" level=warning msg="The \\"{}\\" variable is not set. Defaulting to a blank string.\""""
    answer = LOOKED + 'backend h1\n--\n--\n--\n{"services": {}}'
    tick = filled(Answering("look at v", result(answer, stderr=said.format("SENTRY_DSN"))))
    assert tick["Variables of the new compose file"].mark is Mark.WARNING
    assert "SENTRY_DSN" in tick["Variables of the new compose file"].text
    tick = filled(Answering("look at v", result(answer, stderr=said.format("POSTGRES_PASSWORD"))))
    assert tick["Variables of the new compose file"].mark is Mark.FAILED


def test_an_env_file_that_comes_with_the_release_may_set_what_the_hosts_does_not() -> None:
    looked = LOOKED.replace("M\tbackend/main.js", "M\t.env")
    host = Answering("look at v", result(looked, stderr="required variable A is missing a value", code=1))
    assert filled(host)["Variables of the new compose file"].mark is Mark.WARNING


def test_what_compose_does_not_take_beforehand_is_unknown_and_refuses_nothing() -> None:
    host = Answering("look at v", result(LOOKED, stderr="env file new.env not found", code=1))
    tick = filled(host)["Variables of the new compose file"]
    assert tick.mark is Mark.UNKNOWN
    assert "new.env not found" in tick.text
    assert deploy(host).code == 0


@pytest.mark.parametrize("title", ["look at v", "docker logs", "read the definition", "list backups"])
@pytest.mark.parametrize("answer", [result(code=1, stderr="no"), result("\0 {]\n"), result(code=124)])
def test_what_cannot_be_looked_at_is_never_passed_and_refuses_nothing(title: str, answer: Result) -> None:
    sound, broken = filled(SimHost()), filled(Answering(title, answer))
    differ = [name for name in sound if sound[name].mark is not broken[name].mark]
    assert all(broken[name].mark in (Mark.UNKNOWN, Mark.WARNING) for name in differ)
    if title != "read the definition" or answer.code:
        assert [name for name in differ if broken[name].mark is Mark.UNKNOWN] or title == "list backups"
    if title != "list backups":  # which a deploy has to list itself
        assert deploy(Answering(title, answer)).code == 0


def test_a_site_that_is_ill_now_is_a_warning_since_a_deploy_may_be_what_mends_it() -> None:
    tick = filled(SimHost(world=replace(fresh(), status="500")))["What runs now is well"]
    assert tick.mark is Mark.WARNING


@pytest.mark.parametrize(
    ("there", "mark", "words"),
    [
        (0, Mark.PASSED, "agrees"),
        (-4, Mark.PASSED, "agrees"),
        (90, Mark.WARNING, "90 s ahead of"),
        (-90, Mark.WARNING, "89 s behind"),
    ],
)
def test_a_clock_that_is_wrong_is_told(there: int, mark: Mark, words: str) -> None:
    answer = result(f"{int(NOW.timestamp()) + there}\n")
    tick = filled(Answering("look at the clock", answer))["Clock"]
    assert (tick.mark, words in tick.text) == (mark, True)


def listed(**values: object) -> Result:
    made = replace(BACKUP, **values)  # type: ignore[arg-type]
    return result(f"{made.id} {manifest.to_json(made)}\n")


def test_the_last_backup_is_told_with_its_age_and_its_proof() -> None:
    found = filled(Answering("list backups", listed()))
    assert found["Last backup"].mark is Mark.PASSED
    assert found["A backup was restored once"].mark is Mark.WARNING
    assert "inv backup.drill" in found["A backup was restored once"].fix
    proof = manifest.DrillResult("2025-01-15T11:00:00Z", 3.0, "passed")
    found = filled(Answering("list backups", listed(drill=proof)))
    assert found["A backup was restored once"].mark is Mark.PASSED
    assert "passed 1 hour ago" in found["A backup was restored once"].text
    found = filled(Answering("list backups", listed(created="2024-12-15T12:00:00Z")))
    assert found["Last backup"].mark is Mark.WARNING
    assert "older than 7 days" in found["Last backup"].text


def test_names_that_differ_are_told_and_no_value_ever() -> None:
    old = {"services": {"web": {"image": "a", "environment": {"A": "s3cret", "B": "1"}}, "gone": {}}}
    new = {"services": {"web": {"image": "b", "environment": {"A": "0ther", "C": "1"}}, "more": {}}}
    lines = tuple(changes.differences(json.dumps(old), json.dumps(new)))
    assert lines == (
        "more: a new service",
        "gone: no more a service",
        "web: A (another value), B (gone), C (new), image",
    )
    assert tuple(changes.differences(json.dumps(old), json.dumps(old))) == ()


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"services": []}', '{"services": {"a": 1}}'])
def test_what_is_no_definition_is_none(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  (json's own, or ours)
        tuple(changes.differences(text, '{"services": {}}'))


def test_the_definition_of_the_release_that_serves_is_read(tmp_path: Path) -> None:
    command = reading.commands(settings("app1", directory=str(tmp_path)), one.hosts[0], Ref("main"))[
        "defined"
    ]
    assert bash(command, tmp_path).stdout == ""
    folder = tmp_path / ".schedgen/releases/r1"
    folder.mkdir(parents=True)
    (folder / "owner.yaml").write_text('{"services": {}}')
    (tmp_path / ".schedgen/current").write_text("r1\n")
    assert bash(command, tmp_path).stdout == '{"services": {}}'


def test_a_certificate_is_warned_of_before_it_ends() -> None:
    ends = NOW + timedelta(days=40)
    assert certificates.judged(SiteCertificate("site:443", ends), NOW) == "site:443: 40 days left"
    for early in (timedelta(days=30), timedelta(days=41)):
        assert isinstance(certificates.judged(SiteCertificate("site:443", ends), NOW + early), Problem)
    unread = certificates.judged(SiteCertificate("site:443", None), NOW)
    assert isinstance(unread, Problem)
    assert unread.unknown


def test_openssls_months_are_read_in_any_locale() -> None:
    (found,) = certificates.parse("site:443 Mar  7 08:09:10 2027 GMT\n")
    assert found.ends == datetime(2027, 3, 7, 8, 9, 10, tzinfo=UTC)
    with pytest.raises(ValueError, match="not in tuple"):
        tuple(certificates.parse("site:443 Mär  7 08:09:10 2027 GMT\n"))


def test_the_certificate_of_a_port_is_read_and_a_port_without_one_is_unknown(tmp_path: Path) -> None:
    key, pem = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = ("-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=localhost")
    subprocess.run(
        ["openssl", "req", *words, "-keyout", key, "-out", pem], check=True, capture_output=True, timeout=60
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, key)
    with create_server(("127.0.0.1", 0)) as listener, create_server(("127.0.0.1", 0)) as plain:
        listener.settimeout(60)

        def answer() -> None:
            connection, _ = listener.accept()
            with context.wrap_socket(connection, server_side=True) as secure:
                secure.recv(1)

        thread = threading.Thread(target=answer)
        thread.start()
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in (listener, plain)]
        plain.close()
        answered = bash(certificates.ask(addresses), tmp_path)
        thread.join(60)
    assert answered.ok, answered.stderr
    secure, unread = certificates.parse(answered.stdout)
    assert secure.ends is not None
    assert timedelta(days=28) < secure.ends - datetime.now(UTC) < timedelta(days=31)
    assert unread.ends is None


def test_https_checks_are_the_tls_ports() -> None:
    checks = [
        {"name": "a", "url": "https://site.example/x"},
        {"name": "b", "url": "https://site.example/y"},
        {"name": "c", "url": "https://[::1]:8443/"},
        {"name": "d", "url": "http://site.example:8080/"},
    ]
    chosen = settings("app1", checks=checks)
    assert reading.tls_ports(chosen, chosen.hosts[0]) == ("site.example:443", "[::1]:8443")


def test_a_deploy_that_loses_its_host_while_it_looks_is_refused() -> None:
    host = Answering("look at v", ConnectionLost("died", host="app1"))
    assert deploy(host).code == 8
    assert host.world.changed == []
