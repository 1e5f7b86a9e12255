"""What a release replaced and stands by: left so, ended, serving again; the scripts on an engine of files."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from engine_stub import PROXY, Engine
from fakes import FakeHost
from handover_kit import services
from kit import settings

from schedgen_ops.deploy import standby
from schedgen_ops.deploy.standby import Standby
from schedgen_ops.errors import CommandFailed
from schedgen_ops.host_scripts import host_script
from schedgen_ops.release.paths import Paths
from schedgen_ops.release.record import Release, ReleaseId, ServiceRecord, State
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

API = ServiceRecord("p-api:r2", "id", "d", strategy="ingress", proxies=("api_81",))
SITE = ServiceRecord("p-web:r2", "id", "d", strategy="ingress", proxies=("web_80",))
OLD = Release(ReleaseId("r1"), "v1", "a" * 40, State.DONE, services={"web": SITE, "api": API})
NAMED = "network connect --alias web net 2"
ALL = ["schedgen-ingress r1", "web r1", "web r2"]


class Site(FakeHost):
    """A host whose commands run on an engine: its ingress, container 1, web of r1, 2, and of r2, 3."""

    def __init__(self, root: Path) -> None:
        super().__init__("app1")
        self.engine = Engine(root)
        self.config: Settings = settings(directory=str(root / "the site's"), project="schedgen")
        self.state = Path(Paths(self.config.directory).state)
        self.state.mkdir(parents=True)
        self.engine.say(proxies="web_80")
        self.engine.has("schedgen-ingress", "web")
        self.engine.say(release="r2")
        self.engine.has("web")

    def _reply(self, command: Command, deadline: float) -> Result:
        return self.engine.run(command)

    def begin(self, seconds: int = 600, **more: ServiceRecord) -> None:
        for act in (self.engine.compose.cut_off, self.engine.compose.stand_by):
            for name, record in {"web": SITE, **more}.items():
                given = (str(self.state), name, record, 1)
                answer = self.engine.run(act(*given, proxy=PROXY, release_id=ReleaseId("r2")))
                assert answer.ok, answer
        begin = host_script(
            "standby/begin",
            docker=["docker"],
            project="schedgen",
            state=str(self.state),
            release="r1",
            newer="r2",
            seconds=seconds,
        )
        assert self.engine.run(begin).ok

    def look(self) -> Standby | None:
        return standby.look(self, self.config)

    def back(self) -> list[str]:
        moved: list[str] = []
        found = self.look()
        assert found
        standby.back(self, self.config, found, OLD, moved.append)
        return moved


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_what_stands_by_runs_on_under_a_name_of_its_own_and_nobody_finds_it(site: Site) -> None:
    site.begin()
    assert services(site.engine) == ALL
    assert "rename 2 p-web-2-schedgen-standby" in site.engine.log
    assert "update --restart no 2" in site.engine.log
    found = site.look()
    assert found is not None
    assert (found.release, found.newer, found.services) == ("r1", "r2", ("web",))
    # The next release is brought beside one container, and this one is no leftover of a run.
    assert not list((site.state / "cut").iterdir())
    retire = site.engine.compose.retire(
        str(site.state), "web", SITE, 1, proxy=PROXY, release_id=ReleaseId("r2")
    )
    assert site.engine.run(retire).ok
    assert services(site.engine) == ALL


def test_it_serves_again_as_it_was(site: Site) -> None:
    site.begin()
    assert site.back() == ["web"]
    log = site.engine.log
    looked = [line for line in log if line.startswith("ask set") and "set server web_80/s9 fqdn 2;" in line]
    moved = "ask set weight web_80/s1 100%;set weight web_80/s2 0;"
    covered = "ask set weight web_80/s1 100%;set weight web_80/s2 1;"
    drained = "set server web_80/s2 state drain;"
    usual = "ask set server web_80/s1 fqdn usual;"
    order = [log.index(looked[0]), log.index(moved), log.index("rename 2 p-web-2"), log.index(covered)]
    order += [log.index(line) for line in (NAMED, usual)]
    order += [max(number for number, line in enumerate(log) if line.endswith(drained))]
    assert order == sorted(order), log
    assert "update --restart on-failure:3 2" in log
    assert services(site.engine) == ALL
    assert not (site.state / "standby").exists()
    assert site.look() is None
    # What is left to do is what is left of a run that was cut off.
    retire = site.engine.compose.retire(
        str(site.state), "web", SITE, 1, proxy=PROXY, release_id=ReleaseId("r2"), back=True
    )
    assert site.engine.run(retire).ok
    assert services(site.engine) == ["schedgen-ingress r1", "web r1"]


def test_services_get_their_names_one_after_the_other_each_at_the_address_that_it_leaves(site: Site) -> None:
    site.engine.say(proxies="web_80\napi_81", release="r1")
    site.engine.has("api")
    site.engine.say(release="r2")
    site.engine.has("api")
    site.begin(api=API)
    before = len(site.engine.log)
    assert {*site.back()} == {"web", "api"}
    asked = [line for line in site.engine.log[before:] if line.startswith(("network dis", "network con"))]
    assert [line.split()[1] for line in asked] == ["disconnect", "connect"] * 2
    assert asked[1::2] == [NAMED, "network connect --alias api net 4"]


def test_it_ends_when_it_is_told_to_and_by_itself(site: Site) -> None:
    site.begin()
    for _ in range(2):
        standby.end(site, site.config)
        assert services(site.engine) == ["schedgen-ingress r1", "web r2"]
        assert not (site.state / "standby").exists()


def test_its_time_is_over_also_where_nobody_comes(site: Site) -> None:
    site.begin(seconds=1)
    until = time.monotonic() + 20
    while "web r1" in services(site.engine) and time.monotonic() < until:
        time.sleep(0.1)
    assert services(site.engine) == ["schedgen-ingress r1", "web r2"]
    assert site.look() is None


def test_what_ended_meanwhile_is_not_gone_back_to(site: Site) -> None:
    site.begin()
    box = site.engine.root / "containers" / "2"
    box.write_text("web exited healthy r1\n")
    assert site.look() is None
    box.write_text("web running healthy r1\n")
    found = site.look()
    assert found
    standby.end(site, site.config)
    with pytest.raises(CommandFailed):
        standby.back(site, site.config, found, OLD, print)


def test_what_the_ingress_does_not_see_leaves_the_newer_one_in_place(site: Site) -> None:
    site.begin()
    (site.engine.root / "containers" / "2").write_text("web running unhealthy r1\n")
    found = site.look()
    assert found
    with pytest.raises(CommandFailed):
        standby.back(site, site.config, found, OLD, print)
    # It goes on standing by, and the server that looked for it is free.
    assert services(site.engine) == ALL
    assert not [
        line for line in site.engine.log if line.startswith(("network connect --alias", "rename 2 p-web-2 "))
    ]
    assert "ask set server web_80/s1 fqdn usual;" in site.engine.log
    assert site.look() == found
    standby.end(site, site.config)
    assert services(site.engine) == ["schedgen-ingress r1", "web r2"]
