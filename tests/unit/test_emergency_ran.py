"""What ran before an emergency and is in no tier: it comes back, or it is said that it does not."""

from __future__ import annotations

import re

import pytest
from fakes import Answer, FakeHost, result
from test_backup_restore import boxes
from test_emergency import site, warned

from schedgen_ops.emergency.run import EmergencyHost
from schedgen_ops.errors import OpsError
from schedgen_ops.verify import run as verifier
from schedgen_ops.watch.rules import CheckVerdict, Finding

RECORD = "/srv/schedgen/.schedgen/recovering"
CONFIGURED = ("postgres", "minio", "backend", "pdf-worker", "frontend", "schedgen-ingress")


def struck(*others: str, noted: Answer = 1, **answers: Answer) -> tuple[EmergencyHost, FakeHost, list[str]]:
    """A host where these run beside what is configured; cron is in the definition, reports has a profile."""
    one, on, told = site(docker_inspect=boxes(*CONFIGURED, *others), **answers)
    on.answers |= {
        "docker compose config --services": "postgres\nminio\nbackend\nfrontend\npdf-worker\ncron\n",
        f"cat -- {RECORD}": noted,
        f"write {RECORD}": "",
        f"rm -rf -- {RECORD}": "",
    }
    return one, on, warned(told)


def started(on: FakeHost) -> list[str]:
    return [c.title.rpartition(" ")[2] for c in on.commands if "up --detach" in c.text]


@pytest.fixture
def well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verifier, "patiently", lambda *_: (Finding("a", CheckVerdict.PASSED, "fine"),))


@pytest.mark.usefixtures("well")
def test_what_ran_in_no_tier_and_with_a_profile_runs_again() -> None:
    one, on, _ = struck("cron", "reports")
    one.down()
    titles = [command.title for command in on.commands]
    # Should this run be killed, the next one knows.
    assert titles.index(f"write {RECORD}") < titles.index("docker compose down --remove-orphans")
    written = next(command for command in on.commands if command.title == f"write {RECORD}")
    assert written.stdin == "cron\nreports\n"
    one.up()
    assert started(on)[1:] == ["cron", "reports"]
    one.verify()
    assert on.commands[-1].text == f"rm -rf -- {RECORD}"


@pytest.mark.usefixtures("well")
def test_what_an_earlier_run_took_down_is_not_forgotten() -> None:
    one, on, _ = struck(noted="cron\n")
    one.down()
    on.answers["docker inspect"] = boxes(*CONFIGURED, "cron")
    one.up()
    one.verify()
    assert started(on)[1:] == ["cron"]


@pytest.mark.usefixtures("well")
def test_where_nothing_else_ran_nothing_is_noted() -> None:
    one, on, _ = struck()
    one.down()
    one.up()
    one.verify()
    assert not any(command.title == f"write {RECORD}" for command in on.commands)
    assert len(started(on)) == 1


@pytest.mark.usefixtures("well")
def test_what_does_not_run_again_is_told_and_no_success() -> None:
    one, on, _ = struck("cron", "stray")
    one.down()
    on.answers[re.compile(r"up --detach.* stray$")] = result(stderr="no such service: stray", code=1)
    on.answers[re.compile(r"up --detach.* cron$")] = ""
    on.answers["docker inspect"] = boxes(*CONFIGURED, "cron")
    on.answers = dict(sorted(on.answers.items(), key=lambda item: str(item[0]).endswith("detach')")))
    one.up()
    with pytest.raises(OpsError, match="stray ran before and was taken away") as caught:
        one.verify()
    assert caught.value.exit_code == 5


@pytest.mark.usefixtures("well")
def test_one_that_was_started_and_ended_is_no_success() -> None:
    one, on, _ = struck("cron")
    one.down()
    one.up()
    on.answers["docker inspect"] = boxes(*CONFIGURED)
    with pytest.raises(OpsError, match="cron ran before and was taken away"):
        one.verify()


def test_others_are_started_although_the_configured_ones_do_not() -> None:
    one, on, _ = struck("cron")
    one.down()
    on.answers[re.compile(r"up --detach")] = [result(stderr="backend is unhealthy", code=1), ""]
    with pytest.raises(OpsError, match="backend is unhealthy"):
        one.up()
    assert started(on)[-1] == "cron"
