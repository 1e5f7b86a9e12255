"""The recipe "Add a proxy" of CONTRIBUTING.md, followed: a toy has the published ports."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from engine_stub import Engine
from kit import apart, program, settings
from planning import record

from schedgen_ops import host_scripts, proxy
from schedgen_ops.commands.compose import Port, Service
from schedgen_ops.commands.docker import Docker
from schedgen_ops.deploy import images
from schedgen_ops.deploy.host_run import HostRun
from schedgen_ops.probe import remote_commands
from schedgen_ops.proxy import Proxy
from schedgen_ops.proxy.contract import DEFAULTS
from schedgen_ops.proxy.routes import Route, published
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId
from schedgen_ops.rollout.operations import Bring, Operation, Retire, SetIngress
from schedgen_ops.rollout.plan import Action, ServiceChange
from schedgen_ops.rollout.rendering import OperationRenderer
from schedgen_ops.rollout.versions import Version
from schedgen_ops.settings import Ingress, Settings

SCRIPT = Path(__file__).parent / "gate/gate.bash"
WEB = Version("web", ReleaseId("r2"), record("web", "r2"))


class Gate:
    """A proxy that no project has."""

    name = "gate"
    config_name = "gate.conf"

    def service(
        self, image: str, folder: str, routes: Iterable[Route], networks: Iterable[str]
    ) -> Mapping[str, Any]:
        return {"image": image, "volumes": [f"{folder}:/etc/gate:ro"], "ports": published(routes)}

    def render(
        self, routes: Iterable[Route], service: Mapping[str, Any] | None, limits: Ingress = DEFAULTS
    ) -> str:
        return f"# {service}\n" + "".join(f"{route.proxy} to {route.service}\n" for route in routes)


# The gate's own program, in its container: it writes down what it is asked, and answers what a test says.
_PROGRAM = r"""
cd -- "$FAKE" || exit 9
[ "$1" = exec ] || exec "${0%/*}/engine" "$@"
shift 2
deaf=; [ ! -e deaf ] || read -r deaf < deaf
[ "$2" != "$deaf" ] || exit 1
echo "$*" >> log
case $2 in up) echo 1 ;; open) echo 0 ;; visitors) echo 7 1736942400 10 1 1 1 0 ;; esac
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The recipe: its class in the registry, its script beside the others, its name in the settings."""
    scripts = tmp_path / "host_scripts"
    shutil.copytree(host_scripts.FOLDER, scripts)
    shutil.copy(SCRIPT, scripts / "proxies")
    apart(scripts, monkeypatch)
    monkeypatch.setitem(cast(dict[str, Proxy], proxy.PROXIES), "gate", Gate())
    made = settings(project="schedgen", directory=str(tmp_path / "site"))
    # The line in the settings that names the proxy is the one part of the recipe that is not followed.
    return made.model_copy(update={"ingress": made.ingress.model_copy(update={"proxy": "gate"})})


@pytest.fixture
def engine(tmp_path: Path, config: Settings) -> Engine:
    """A gate, 1, and an old container of a service behind it, 2."""
    made = Engine(tmp_path)
    (made.bin / "docker").rename(made.bin / "engine")
    program(made.bin, "docker", _PROGRAM)
    made.has("schedgen-ingress", "web")
    made.say(release="r2")
    for folder in ("ingress", "releases/r2"):
        (tmp_path / "site/.schedgen" / folder).mkdir(parents=True)
    return made


def perform(engine: Engine, config: Settings, operation: Operation) -> list[str]:
    """Performs an operation on the host; returns what the gate was asked meanwhile."""
    before = len(engine.log)
    answer = engine.run(OperationRenderer(engine.compose, config)(operation))
    assert answer.ok, answer
    return [line.removeprefix("gate ") for line in engine.log[before:] if line.startswith("gate ")]


def bring(share: int) -> Bring:
    return Bring(WEB, None, ServiceChange("web", Action.REPLACE), share)


def test_its_script_has_every_function_that_the_contract_lists() -> None:
    listed = set(re.findall(r"^#   (proxy_\w+)", host_scripts.text("lib/proxy.bash"), re.MULTILINE))
    assert set(re.findall(r"^(proxy_\w+)\(\)", SCRIPT.read_text(), re.MULTILINE)) == listed


def test_its_name_in_the_settings_chooses_it(config: Settings) -> None:
    assert proxy.chosen(config).name == "gate"
    assert proxy.chosen(settings()).name == "haproxy"


def test_its_configuration_comes_into_force(engine: Engine, config: Settings, tmp_path: Path) -> None:
    state, web = tmp_path / "site/.schedgen", Service("web", "", "", (), (Port(80, 8080),), 1, "d")
    run = SimpleNamespace(
        paths=Paths(config.directory), settings=config, orchestrator=engine.compose, run=engine.run
    )
    images.pin(cast(HostRun, run), WEB.release_id, [web], {"web": WEB.record})
    overlay = (state / "releases/r2/overlay.json").read_text()
    assert f"{state / 'ingress'}:/etc/gate:ro" in overlay
    assert perform(engine, config, SetIngress((WEB,))) == ["reopen", "reload"]
    assert "web_80 to web\n" in (state / "ingress/gate.conf").read_text()
    assert perform(engine, config, SetIngress((WEB,))) == []


def test_a_service_is_replaced_behind_it(engine: Engine, config: Settings) -> None:
    assert perform(engine, config, bring(10)) == [
        "hold web_80",
        "up web_80 10.0.0.3 ",
        "weigh 10 10.0.0.3  1 10.0.0.2  1 web_80",
    ]
    assert [*engine.containers] == ["1", "2", "3"]
    assert perform(engine, config, Retire(WEB)) == [
        "drain 10.0.0.3  10.0.0.2  web_80",
        "open web_80 10.0.0.2 ",
        "settle web_80",
    ]
    assert [*engine.containers] == ["1", "3"]


def test_a_service_is_not_replaced_where_it_does_not_answer(engine: Engine, config: Settings) -> None:
    engine.say(deaf="weigh")
    answer = engine.run(OperationRenderer(engine.compose, config)(bring(100)))
    assert (answer.ok, [*engine.containers]) == (False, ["1", "2"])


@pytest.mark.parametrize(("deaf", "told"), [("idle", "1 7 1736942400 10 1 1 1 0"), ("visitors", "unknown")])
def test_its_visitors_are_counted(engine: Engine, config: Settings, deaf: str, told: str) -> None:
    engine.say(deaf=deaf)
    gate = proxy.chosen(config)
    probe = remote_commands.probe(
        (), silence=20, pause=1, patience=1, proxy=gate, docker=Docker(), project="schedgen"
    )
    answer = engine.run(probe.with_stdin(b"count\n"))
    assert f"visitors end {told}" in answer.lines(), answer
