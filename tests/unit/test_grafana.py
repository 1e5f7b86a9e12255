"""Deploys, rollbacks and the guard's verdicts as annotations in a Grafana that answers for real."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_tasks
import yaml
from deploying import deployed
from grafana_kit import TOKEN, Grafana, asking
from http_kit import serving
from kit import bash
from simulated import Fault, SimHost
from simulated_world import fresh
from test_tasks import BOB, CONFIG, Capture, Inv

from schedgen_ops.commands import http
from schedgen_ops.errors import ConfigError, ConnectionLost
from schedgen_ops.events import Fact, RunFinished, RunStarted
from schedgen_ops.notify.run_summary import RunSummary
from schedgen_ops.shell import Secret
from schedgen_ops.telemetry import annotation

inv = test_tasks.inv
Configure = Callable[..., None]


@pytest.fixture
def server() -> Iterator[Grafana]:
    with serving(Grafana()) as found:
        yield found


@pytest.fixture
def configure(inv: Inv, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, server: Grafana) -> Configure:
    """Write a config with this Grafana; `more` changes keys of it, and `top` of the config."""
    monkeypatch.setenv("GRAFANA_TOKEN", TOKEN)

    def write(top: dict[str, Any] | None = None, **more: object) -> None:
        section = {"url": server.url, "variable": "GRAFANA_TOKEN", "deadline": 60, **more}
        written = yaml.safe_load(CONFIG) | {"grafana": section} | (top or {})
        (tmp_path / "config/staging.yaml").write_text(yaml.safe_dump(written))

    return write


def test_a_deploy_is_a_region_from_its_start_to_its_end(
    inv: Inv, configure: Configure, server: Grafana, tmp_path: Path
) -> None:
    configure()
    host = asking(tmp_path, world=deployed())
    assert inv("deploy", "--branch", "v1.2.4", on=[host]) == 0
    (made,) = server.annotations
    assert made["text"].startswith("Deployment of v1.2.4 on staging finished\n")
    assert made["time"] <= made["timeEnd"] <= made["time"] + 3_600_000
    release = next(tag for tag in made["tags"] if tag.startswith("release:"))
    assert release.removeprefix("release:") in made["text"]
    assert {"schedgen", "deploy", "environment:staging", "result:finished"} <= {*made["tags"]}
    # Nobody who lists the host's processes sees the token.
    assert TOKEN not in "".join(command.text for command in host.posts)


def test_a_deploy_that_is_taken_back_says_so(
    inv: Inv, configure: Configure, server: Grafana, tmp_path: Path
) -> None:
    configure()
    host = asking(tmp_path, world=replace(fresh(), sick=("backend",)))
    assert inv("deploy", "--branch", "v1.2.3", on=[host]) == 4
    (made,) = server.annotations
    assert made["text"].startswith("Deployment of v1.2.3 on staging failed and was taken back\n")
    assert "result:rolled_back" in made["tags"]


def test_a_rollback_is_one_too(inv: Inv, configure: Configure, server: Grafana, tmp_path: Path) -> None:
    configure()
    assert inv("rollback", "--yes", on=[asking(tmp_path, world=deployed())]) == 0
    (made,) = server.annotations
    assert made["text"].startswith("Rollback to ")
    assert {"rollback", "result:finished"} <= {*made["tags"]}


def test_what_was_refused_changed_nothing_and_is_none(
    inv: Inv, configure: Configure, server: Grafana, tmp_path: Path
) -> None:
    configure()
    assert (
        inv("deploy", "--branch", "v1.2.3", on=[asking(tmp_path, world=replace(fresh(), held_by=BOB))]) == 7
    )
    assert server.annotations == []


@pytest.mark.parametrize(("verdict", "code"), [("kept", 0), ("back", 4)])
def test_a_verdict_of_the_guard_is_a_mark_of_its_own(
    inv: Inv, configure: Configure, server: Grafana, tmp_path: Path, verdict: str, code: int
) -> None:
    configure()
    host = asking(tmp_path, world=replace(deployed(), verdict=verdict))
    assert inv("deploy.guarded", "--branch", "v1.2.4", on=[host]) == code
    run, mark = server.annotations
    assert "deploy" in run["tags"]
    assert {"guard", "host:app1", f"result:{verdict}", "environment:staging"} <= {*mark["tags"]}
    assert mark["time"] == mark["timeEnd"]
    assert run["time"] <= mark["time"] <= run["timeEnd"]


@pytest.mark.parametrize("service", ["grafana", "elsewhere"])
def test_each_host_that_runs_it_is_asked(
    inv: Inv, configure: Configure, server: Grafana, tmp_path: Path, capsys: Capture, service: str
) -> None:
    services = ["redis", "minio", "postgres", "pdf-worker", "backend", "frontend", "prometheus", "grafana"]
    configure({"hosts": [{"name": "app1", "address": "a", "services": services}]}, service=service)
    assert inv("deploy", "--branch", "v1.2.3", on=[asking(tmp_path)]) == 0
    told = "[WARN] Grafana has no annotation of this run: it runs on none of these hosts"
    assert (told in capsys.readouterr().err) == (service == "elsewhere")
    assert len(server.annotations) == (service == "grafana")


@pytest.mark.parametrize(
    ("status", "token", "told"),
    [
        (0, "glsa_wrong", "it refused the token (status 401)"),
        (0, "glsa x\r\nHost: evil", "its token has characters that no token has"),
        (0, "", "the variable GRAFANA_TOKEN is not set"),
        (500, TOKEN, "it answered with status 500"),
        (302, TOKEN, "it answered with status 302"),
    ],
)
def test_what_grafana_refuses_is_a_warning_without_the_token_and_no_failure(
    inv: Inv,
    configure: Configure,
    server: Grafana,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    status: int,
    token: str,
    told: str,
) -> None:
    configure()
    server.status = status
    monkeypatch.setenv("GRAFANA_TOKEN", token)
    assert inv("deploy", "--branch", "v1.2.3", on=[asking(tmp_path)]) == 0
    said = "".join(capsys.readouterr())
    assert f"[WARN] Grafana has no annotation of this run (app1): {told}" in said
    logs = "".join(path.read_text() for path in (tmp_path / "state").rglob("deploy-*"))
    assert told in logs
    assert not token or token not in said + logs
    assert server.annotations == []


def test_a_grafana_that_hangs_delays_no_run_beyond_the_deadline(
    inv: Inv, configure: Configure, server: Grafana, tmp_path: Path, capsys: Capture
) -> None:
    configure(deadline=1)
    server.open.clear()
    assert inv("deploy", "--branch", "v1.2.3", on=[asking(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "Deployment Complete" in said.out
    assert "[WARN] Grafana has no annotation of this run" in said.err
    assert server.annotations == []


def test_a_grafana_that_is_down_or_a_host_that_is_gone_changes_no_exit_code(
    inv: Inv, configure: Configure, server: Grafana, tmp_path: Path, capsys: Capture
) -> None:
    configure(url="http://127.0.0.1:1")
    assert inv("deploy", "--branch", "v1.2.3", on=[asking(tmp_path)]) == 0
    assert "no connection to 127.0.0.1 port 1" in capsys.readouterr().err
    configure()
    # What the run itself is told of its host stays what is told.
    gone = SimHost(fault=Fault(60, ConnectionLost, lasts=True))
    assert inv("deploy", "--branch", "v1.2.3", on=[gone]) == 5
    assert "(app1): the connection died" in capsys.readouterr().err


def test_a_token_comes_from_one_place(
    inv: Inv, configure: Configure, server: Grafana, tmp_path: Path
) -> None:
    configure(variable=None, command=["echo", TOKEN])
    assert inv("deploy", "--branch", "v1.2.3", on=[asking(tmp_path)]) == 0
    assert len(server.annotations) == 1
    configure(command=["echo", TOKEN])
    assert inv("config.check", "--env", "staging") == 2


def test_where_there_is_no_grafana_nothing_of_it_is_imported(inv: Inv) -> None:
    for name in [name for name in sys.modules if name.startswith("schedgen_ops.telemetry")]:
        del sys.modules[name]
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    assert not [name for name in sys.modules if name.startswith("schedgen_ops.telemetry")]


def test_what_others_wrote_is_no_markup() -> None:
    started = RunStarted("deploy", "r", "staging", "t", ("app1",), (("Branch", "<img src=x>"),))
    run = RunSummary().after(started).after(Fact("release", "r\x1b[31m1"))
    made = annotation.of_run(run, RunFinished(0, "Done", 1.0, "a & b\x1b[2J"), "ann@desk", 1000, 2000)
    assert "<" not in made.text
    assert "&lt;img src=x&gt;" in made.text
    assert "a &amp; b" in made.text
    assert "\x1b" not in made.text + "".join(made.tags)


@pytest.mark.parametrize("text", ["", "a b", 'a"b', "a\nb", "ä", "a=b", "a\\b"])
def test_what_could_end_a_header_is_no_token(text: str) -> None:
    with pytest.raises(ConfigError, match="no token has"):
        annotation.checked(Secret(text))


def test_curl_gets_the_token_in_no_argument(tmp_path: Path, server: Grafana) -> None:
    command = http.post(
        f"https://127.0.0.1:{server.server_port}/api/annotations", 5, "application/json", b"{}", Secret(TOKEN)
    )
    (tmp_path / "bin").mkdir()
    spy = tmp_path / "bin/curl"
    spy.write_text(
        '#!/usr/bin/env bash\nfor word; do echo "word $word"; done > words\n'
        'while [ $# -gt 0 ]; do [ "$1" != --config ] || cat "$2" > config; shift; done\n'
        "printf 'HTTP/1.1 200 OK\\r\\n\\r\\n{\"id\":1}'\n"
    )
    spy.chmod(0o755)
    answer = bash(
        replace(command, secrets=()), tmp_path, schedgen_bearer=TOKEN, PATH=f"{tmp_path}/bin:/usr/bin:/bin"
    )
    assert annotation.refusal(answer.stdout) == ""
    assert (tmp_path / "config").read_text() == f'header = "Authorization: Bearer {TOKEN}"\n'
    assert TOKEN not in (tmp_path / "words").read_text()
