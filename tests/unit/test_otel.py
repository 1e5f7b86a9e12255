"""A run as a trace, at an endpoint on loopback that reads OTLP for real."""

from __future__ import annotations

import gzip
import logging
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import test_tasks
from deploying import deployed
from http_kit import Holding, Quiet, serving
from kit import written
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from simulated import SimHost
from simulated_world import fresh
from test_tasks import BOB, CONFIG, Capture, Inv

from schedgen_ops.events import HostFinished, RunFinished, RunStarted, StepFinished, StepStarted
from schedgen_ops.telemetry import otel, traced
from schedgen_ops.telemetry.spans import Trace

inv = test_tasks.inv


class Collector(Holding):
    """A real OTLP endpoint.

    Attributes:
        asked: paths and headers of the requests.
        spans: what they had, by name.
        resource: what they were of.
    """

    def __init__(self) -> None:
        super().__init__(_Handler)
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.spans: dict[str, Span] = {}
        self.resource: dict[str, str] = {}
        self.status = 200

    def inner(self, outer: str) -> set[str]:
        """The names of the spans in the one of that name."""
        return {n for n, span in self.spans.items() if span.parent_span_id == self.spans[outer].span_id}


class _Handler(Quiet):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.open.wait()
        self.server.asked.append((self.path, dict(self.headers)))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for part in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.server.resource |= {pair.key: pair.value.string_value for pair in part.resource.attributes}
            self.server.spans |= {span.name: span for scope in part.scope_spans for span in scope.spans}
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()


def said(span: Span) -> dict[str, Any]:
    """A span's attributes."""
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value") or "string_value")
        for pair in span.attributes
    }


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    with serving(Collector()) as server:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", server.url)
        yield server


def test_a_deploy_is_a_trace_of_its_steps_and_their_hosts(
    inv: Inv, collector: Collector, tmp_path: Path
) -> None:
    hosts = [{"name": name, "address": name} for name in ("app1", "app2")]
    config = written(hosts=hosts, rollout={"batch": 2})
    (tmp_path / "config/staging.yaml").write_text(config)
    both = [SimHost("app1", world=deployed()), SimHost("app2", world=deployed())]
    assert inv("deploy", "--branch", "v1.2.4", on=both) == 0
    (asked,) = collector.asked
    assert asked[0] == "/v1/traces"
    assert collector.resource["service.name"] == "schedgen_ops"
    run = collector.spans["RUN deploy"]
    told = said(run)
    assert told["cicd.pipeline.result"] == "success"
    assert told["deployment.environment.name"] == "staging"
    assert told["deployment.status"] == "succeeded"
    assert told["vcs.ref.head.name"] == "v1.2.4"
    assert told["deployment.id"].endswith(told["vcs.ref.head.revision"][:7])
    assert "error.type" not in told
    assert run.kind == Span.SPAN_KIND_SERVER
    steps = collector.inner("RUN deploy")
    assert {"Pre-flight Checks", "Building containers", "Pre-deployment backup"} <= steps
    assert collector.inner("Building containers") == {
        "Building containers on app1",
        "Building containers on app2",
    }
    for name in steps:
        span = collector.spans[name]
        assert run.start_time_unix_nano <= span.start_time_unix_nano <= span.end_time_unix_nano
        assert said(span)["cicd.pipeline.task.name"] == name
        assert said(span)["cicd.pipeline.task.run.result"] == "success"
        assert span.trace_id == run.trace_id
    assert said(collector.spans["Building containers on app2"])["host.name"] == "app2"


def test_what_failed_is_an_error_at_its_step_and_host(inv: Inv, collector: Collector) -> None:
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost(world=replace(fresh(), sick=("backend",)))]) == 4
    run = collector.spans["RUN deploy"]
    assert run.status.code == Status.STATUS_CODE_ERROR
    assert said(run)["error.type"] == "rolled_back"
    assert said(run)["cicd.pipeline.result"] == "failure"
    assert said(run)["process.exit.code"] == 4
    step = "Rolling update - Application services"
    for name in (step, f"{step} on app1"):
        assert collector.spans[name].status.code == Status.STATUS_CODE_ERROR
        assert "backend" in collector.spans[name].status.message
    assert collector.spans["Building containers"].status.code == Status.STATUS_CODE_UNSET


def test_a_refused_run_was_skipped(inv: Inv, collector: Collector) -> None:
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost(world=replace(fresh(), held_by=BOB))]) == 7
    assert said(collector.spans["RUN deploy"])["cicd.pipeline.result"] == "skip"


def test_the_variables_of_opentelemetry_hold(
    inv: Inv, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-key=abc")
    monkeypatch.setenv("OTEL_SERVICE_NAME", "our-deploys")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "team=ops")
    monkeypatch.setenv("TRACEPARENT", f"00-{'ab' * 16}-{'cd' * 8}-01")
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    ((_, headers),) = collector.asked
    assert {key.lower(): value for key, value in headers.items()}["x-key"] == "abc"
    assert collector.resource["service.name"] == "our-deploys"
    assert collector.resource["team"] == "ops"
    assert collector.spans["RUN deploy"].trace_id.hex() == "ab" * 16
    assert collector.spans["RUN deploy"].parent_span_id.hex() == "cd" * 8


def test_an_endpoint_that_hangs_delays_no_run_beyond_the_deadline(
    inv: Inv, collector: Collector, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(otel, "Tracer", lambda environ: TRACER(environ, deadline=0.5))
    collector.open.clear()
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    out, err = capsys.readouterr()
    assert "Deployment Complete" in out
    assert "[WARN] The run's trace was not delivered: " in err
    assert "Traceback" not in err
    assert otel.DEADLINE <= 5


TRACER = otel.Tracer


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:1", ""),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense", ""),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "grpc is a protocol that is not spoken here"),
    ],
)
def test_what_cannot_be_sent_is_a_warning_and_no_failure(
    inv: Inv,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    capsys: Capture,
    tmp_path: Path,
    name: str,
    value: str,
    told: str,
) -> None:
    monkeypatch.setattr(otel, "Tracer", lambda environ: TRACER(environ, deadline=1))
    monkeypatch.setenv(name, value)
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    out, err = capsys.readouterr()
    assert f"[WARN] The run's trace was not delivered: {told}" in err
    assert "Traceback" not in out + err
    logs = "".join(path.read_text() for path in (tmp_path / "state").rglob("deploy-*"))
    assert "The run's trace was not delivered" in logs
    assert collector.spans == {}


def test_an_endpoint_that_refuses_is_told_with_its_status(
    inv: Inv, collector: Collector, capsys: Capture
) -> None:
    collector.status = 401
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    assert "401" in capsys.readouterr().err


def test_a_missing_extra_names_the_command_that_installs_it(
    inv: Inv, collector: Collector, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.resources", None)
    assert inv("deploy", "--branch", "v1.2.3", on=[SimHost()]) == 0
    assert "not installed: pip install 'schedgen_ops[otel]'" in capsys.readouterr().err


def test_without_an_endpoint_nothing_of_it_is_imported(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config/staging.yaml").write_text(CONFIG)
    text = (
        "import sys\nfrom command_line import typed\nfrom schedgen_ops.tasks import namespace\n"
        "typed(namespace, 'verify', '--env', 'staging')\n"
        "assert not [name for name in sys.modules if 'opentelemetry' in name or 'telemetry.' in name]\n"
    )
    env = {"PYTHONPATH": str(Path(__file__).parent), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    subprocess.run([sys.executable, "-c", text], check=True, env=env, cwd=tmp_path, timeout=120)


@pytest.mark.parametrize(
    ("environ", "is_wanted"),
    [
        ({}, False),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": " "}, False),
        ({"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://x"}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://x", "OTEL_SDK_DISABLED": "True"}, False),
    ],
)
def test_an_endpoint_asks_for_it(environ: dict[str, str], is_wanted: bool) -> None:
    assert traced(environ) is is_wanted


def test_parts_of_a_host_are_one_span_and_what_others_wrote_is_safe() -> None:
    trace = Trace()
    trace.take(RunStarted("deploy", "r", "e", "t"), 0)
    trace.take(StepStarted("1", "code"), 1_000_000_000)
    trace.take(HostFinished("code", "app1", 0.5), 2_000_000_000)
    trace.take(HostFinished("code", "app1", 0.5, "gone\x1b[2J"), 4_000_000_000)
    trace.take(StepFinished("1", "code", 4.0), 5_000_000_000)
    assert trace.whole() is None
    trace.take(RunFinished(5, "", 6.0, "x" * 10_000), 6_000_000_000)
    run = trace.whole()
    assert run is not None
    assert len(run.error) == 500
    ((host,),) = (step.inner for step in run.inner)
    assert (host.began, host.ended) == (1_500_000_000, 4_000_000_000)
    assert host.error.startswith("gone")
    assert "\x1b" not in host.error


def test_the_sdk_writes_nothing_to_the_terminal() -> None:
    assert not [h for h in logging.getLogger("opentelemetry").handlers if isinstance(h, otel._Said)]
