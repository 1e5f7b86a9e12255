"""A hand-over of the published ports on an engine made of files."""

from __future__ import annotations

from pathlib import Path

from engine_stub import PROXY, Engine

from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.remote import Result

WEB = {"web": ServiceRecord("p-web:r2", "id", "d", strategy="ingress", proxies=("web_80",))}


def adopt(
    engine: Engine,
    config: str = "frontend web_80\n",
    *,
    repair: bool = False,
    checks: tuple[str, ...] = (),
) -> Result:
    """The ingress takes the ports over from what is there of web."""
    engine.say(proxies="web_80", release="r1-adopted")
    paths = Paths(str(engine.state.parent / "project's dir"))
    release = Path(paths.release(ReleaseId("r1")))
    release.mkdir(parents=True, exist_ok=True)
    (release / "haproxy.cfg").write_text(config)
    Path(paths.state).mkdir(exist_ok=True)
    at = (paths, str(release), WEB, 20, 1)
    return engine.run(engine.compose.ingress(*at, proxy=PROXY, repair=repair, checks=checks))


def services(engine: Engine) -> list[str]:
    """Service and release of every container that runs, oldest first."""
    rows = [text.split() for text in engine.containers.values()]
    return [f"{service} {release}" for service, status, _, release in rows if status == "running"]
