"""Images built by this machine and carried to hosts, by deploys: the hosts and its engine are simulated."""

from __future__ import annotations

import io
import json
import stat
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from deploying import FIRST, OWNER, Outcome
from fakes import FakeClock, result
from kit import DIRECTORY, settings
from simulated import Fault, SimHost
from simulated_world import NEW, OLD, SERVICES, image_id
from test_build_once import Carrier as CarriedTo
from test_build_once import layers as told_of

from schedgen_ops.command_errors import checked
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy.build_machine import BuildMachine
from schedgen_ops.deploy.run import deploy as assemble
from schedgen_ops.deploy.session import Session
from schedgen_ops.errors import CommandFailed, OpsError
from schedgen_ops.events import Event, Message, StepFailed
from schedgen_ops.fleet import Fleet
from schedgen_ops.remote import Result
from schedgen_ops.shell import Command
from schedgen_ops.this_machine import ThisMachine

RELEASE = f"{FIRST}-{NEW[:7]}"
GIB = 2**20  # df's blocks
HERE = settings("app1", build={"where": "laptop"})
BOTH = settings("app1", "app2", build={"where": "laptop"})


@pytest.fixture(autouse=True)
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies here for a while can be seen."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


def archive(*entries: tuple[str, str | None], link: tuple[str, str] = ("", "")) -> bytes:
    """A packed tar of files, folders (None) and a link."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        for name, text in entries:
            entry = tarfile.TarInfo(name)
            entry.uid = entry.gid = 4711
            entry.type = tarfile.DIRTYPE if text is None else tarfile.REGTYPE
            entry.mode = 0o755 if text is None else 0o664
            entry.size = len(text or "")
            tar.addfile(entry, io.BytesIO((text or "").encode()))
        if link[0]:
            entry = tarfile.TarInfo(link[0])
            entry.type, entry.linkname = tarfile.SYMTYPE, link[1]
            tar.addfile(entry)
    return made.getvalue()


CODE = archive(*((f"./{name}/Dockerfile", f"FROM {name}") for name in SERVICES))


class Host(CarriedTo):
    """A host whose code is fetched.

    Attributes:
        code: what git has, packed.
        extends: what its compose file says beside.
    """

    code = CODE
    extends: Callable[[dict[str, Any]], None] | None = None

    def _answer(self, command: Command) -> Result:
        values: dict[str, Any] = dict(command.values)
        if "Server.Arch" in command.text and command.script != "images/layers":
            return result(f"linux/{self.machine}\n")
        if command.script == "git/pack":
            self.files[values["file"]] = self.code
            return result(f"{len(self.code)} \n")
        if command.title == "read the build's secrets":
            return result(json.dumps({"services": {"secrets": {"labels": {"npm": "a$$b"}}}}))
        answer = super()._answer(command)
        if self.extends and command.title == "docker compose config" and not command.stdin:
            hashes, _, text = answer.stdout.partition("--\n")
            document = json.loads(text)
            self.extends(document)
            self.world.files[f"{values['release']}/owner.yaml"] = json.dumps(document)
            return result(f"{hashes}--\n{json.dumps(document)}")
        return answer


class Engine(ThisMachine):
    """This machine with an engine that is simulated.

    Attributes:
        images: ids by name.
        asked: every command.
        documents: what was built.
        modes: the access that others have to what lay in the folder while it was built.
        broken: what has something against its command, and what that is.
    """

    def __init__(self, arch: str = "amd64", *, buildx: str = "", free: int = 99) -> None:
        super().__init__()
        self.arch, self.buildx, self.free = arch, buildx, free
        self.images: dict[str, str] = {}
        self.asked: list[str] = []
        self.documents: list[dict[str, Any]] = []
        self.read: dict[str, str] = {}
        self.modes: set[int] = set()
        self.broken: dict[str, Result | BaseException] = {}

    def run(self, command: Command, *, deadline: float, check: bool = True) -> Result:
        answer = self._answered(command)
        return checked(command, answer, self.name) if check else answer

    def stream(self, command: Command, on_line: Callable[[str], None], *, deadline: float) -> Result:
        on_line("Step 1/2 : FROM base")
        on_line(" ---> Running in 0123456789ab")
        answer = self._answered(command)
        for line in answer.stderr.splitlines():
            on_line(line)
        return checked(command, answer, self.name)

    def _answered(self, command: Command) -> Result:
        self.asked.append(command.text)
        for what, error in self.broken.items():
            if what in command.text:
                if isinstance(error, BaseException):
                    raise error
                return error
        return self._answer(command)

    def _answer(self, command: Command) -> Result:
        titled = {"docker compose version": "2.30.0\n", "df": self._disk}
        told: dict[str, Callable[[], Result]] = {
            "Server.Arch": lambda: result(f"linux/{self.arch}\n"),
            "buildx inspect": lambda: result(self.buildx, code=0 if self.buildx else 1),
            " build ": lambda: self._build(Path(_after("-f", command))),
            "RootFS.Layers": lambda: result(
                "".join(told_of(self.images[name]) for name in command.text.rpartition("' ")[2].split())
            ),
            "docker images": lambda: result("".join(f"{name} {id_}\n" for name, id_ in self.images.items())),
            "docker rmi": lambda: self._untag(command.text.split()[2:]),
            "docker rm ": result,
        }
        if command.script == "images/pack":
            return self._pack(dict(command.values))
        if command.title in titled:
            return result(titled[command.title])
        return next(answer for words, answer in told.items() if words in command.text)()

    @property
    def _disk(self) -> str:
        row = f"/dev/a {200 * GIB} 1 {self.free * GIB} 1% /"
        return f"project\t/tmp\t{row}\nunknown\t/var/lib/docker\n"

    def _pack(self, values: dict[str, Any]) -> Result:
        images = dict(zip(values["names"], values["images"], strict=True))
        Path(values["file"]).write_text(json.dumps([images, values["layers"]]))
        return result("1")

    def _untag(self, names: list[str]) -> Result:
        for name in names:
            del self.images[name]
        return result()

    def _build(self, file: Path) -> Result:
        self.modes |= {stat.S_IMODE(each.stat().st_mode) & 0o077 for each in (file.parent, file)}
        document = json.loads(file.read_text())
        self.documents.append(document)
        for secret in document.get("secrets", {}).values():
            self.read[secret["file"]] = Path(secret["file"]).read_text()
            self.modes.add(stat.S_IMODE(Path(secret["file"]).stat().st_mode) & 0o077)
        for service, body in document["services"].items():
            if not (Path(body["build"]["context"]) / "Dockerfile").exists():
                return result(stderr="failed to read dockerfile", code=17)
            if "image" in body:
                self.images[body["image"]] = image_id(service, NEW)
        return result()


def _after(word: str, command: Command) -> str:
    words = command.text.split()
    return words[words.index(word) + 1]


def deploy(machine: Engine, *hosts: SimHost) -> Outcome:
    seen: list[Event] = []
    chosen = BOTH if len(hosts) == 2 else HERE
    builder = BuildMachine(chosen, machine)
    session = Session(
        chosen, Fleet(hosts), Ref("v1.2.3"), FIRST, FakeClock(), seen.append, OWNER, builder=builder
    )
    try:
        release = assemble(session)()
    except OpsError as error:
        return Outcome(error.exit_code, error, tuple(seen))
    return Outcome(0, None, tuple(seen), release)


def said(outcome: Outcome) -> list[str]:
    return [event.text for event in outcome.events if isinstance(event, Message)]


def nothing_left(machine: Engine) -> bool:
    """Neither an image of a release, nor the code, nor a container of a step that failed."""
    return not machine.images and not any(Path(tempfile.gettempdir()).iterdir())


def test_images_are_built_here_once_and_are_the_same_on_all_hosts() -> None:
    machine, first, second = Engine(), Host("app1"), Host("app2")
    machine.images = {"schedgen-built/schedgen/backend:production.20250101_000000-aaaaaaa": "sha256:older"}
    outcome = deploy(machine, first, second)
    assert outcome.code == 0, outcome.error
    for host in (first, second):
        assert not [asked for asked in host.asked if "compose build" in asked]
        assert host.world.current == RELEASE
        assert host.world.images[f"schedgen-backend:{RELEASE}"] == image_id("backend", NEW)
        assert not [path for path in host.files if "carried" in path and "code" not in path]
    carried = [text for text in said(outcome) if "built once" in text]
    assert len(carried) == 2
    assert all(text.endswith("carried from this machine") for text in carried)
    # The next build begins with these; earlier ones are gone.
    assert {name.rpartition(".")[2] for name in machine.images} == {RELEASE}
    assert len(machine.documents) == 1
    assert not any(Path(tempfile.gettempdir()).iterdir())


def test_what_is_built_is_what_the_host_would_build_and_nothing_else_of_its_definition() -> None:
    def extends(document: dict[str, Any]) -> None:
        document["services"]["backend"]["environment"] = {"PASSWORD": "hidden"}
        document["services"]["backend"]["build"]["args"] = {"KEY": "a$$b", "UNSET": None}
        document["services"]["backend"]["build"]["secrets"] = [{"source": "npm"}, {"source": "pem"}]
        document["secrets"] = {"npm": {"environment": "NPM"}, "pem": {"file": "/etc/key.pem"}}

    machine, host = Engine(), Host()
    host.extends = extends
    host.files["/etc/key.pem"] = b"PEM"
    outcome = deploy(machine, host)
    assert outcome.code == 0, outcome.error
    (document,) = machine.documents
    backend = document["services"]["backend"]
    assert backend["build"]["args"] == {"KEY": "a$$b"}
    assert sorted(backend) == ["build", "image"]
    assert backend["build"]["context"].endswith("/code/backend")
    assert sorted(machine.read.values()) == ["PEM", "a$b"]
    assert machine.modes == {0}
    assert "hidden" not in json.dumps(document)
    assert not [text for text in machine.asked if "a$b" in text or "PEM" in text]
    assert any("DOCKER_BUILDKIT=0" in text for text in machine.asked)


def test_with_buildx_it_is_built_for_the_hosts() -> None:
    machine = Engine("arm64", buildx="Name: default\nPlatforms: linux/arm64, linux/amd64*, linux/386\n")
    assert deploy(machine, Host()).code == 0
    (document,) = machine.documents
    assert document["services"]["backend"]["platform"] == "linux/amd64"
    assert not any("DOCKER_BUILDKIT" in text for text in machine.asked)


@pytest.mark.parametrize(
    ("machine", "words"),
    [
        (Engine("arm64"), "the host is linux/amd64, and Docker on this machine builds for linux/arm64 alone"),
        (Engine(free=3), "3.0 GB of disk are free on this machine, 10 GB are needed (/tmp)"),
    ],
)
def test_what_this_machine_cannot_do_is_refused_before_any_change(machine: Engine, words: str) -> None:
    host = Host()
    outcome = deploy(machine, host)
    assert outcome.code == 3
    assert outcome.error is not None
    assert words in outcome.error.detail
    assert "`build.where: hosts` has the hosts build" in outcome.error.hint
    assert not host.world.changed
    assert not machine.documents


@pytest.mark.parametrize(
    "silent",
    [result(stderr="Cannot connect to the Docker daemon", code=1), CommandFailed("`docker` was ended")],
)
def test_without_an_engine_here_nothing_begins(silent: Result | BaseException) -> None:
    machine, host = Engine(), Host()
    machine.broken["Server.Arch"] = silent
    outcome = deploy(machine, host)
    assert (outcome.code, host.world.changed) == (3, [])
    assert outcome.error is not None
    assert outcome.error.detail.startswith("Docker does not answer on this machine: ")


def test_hosts_that_are_not_alike_are_refused() -> None:
    machine, second = Engine(buildx="Platforms: linux/amd64, linux/arm64\n"), Host("app2")
    second.machine = "arm64"
    outcome = deploy(machine, Host("app1"), second)
    assert (outcome.code, second.world.changed) == (3, [])
    assert "the hosts are linux/amd64 and linux/arm64" in str(outcome.error)


def test_a_build_that_fails_changes_nothing_and_leaves_nothing() -> None:
    machine, host = Engine(), Host()
    machine.broken[" build "] = result(stderr="npm ERR! no such package", code=17)
    machine.images = {"schedgen-built/schedgen/backend:production.20250101_000000-aaaaaaa": "sha256:older"}
    before = dict(host.world.serving)
    outcome = deploy(machine, host)
    assert (outcome.code, outcome.failed_step) == (4, "Building containers")
    assert outcome.error is not None
    assert (outcome.error.message, outcome.error.host) == ("Container build failed", "this machine")
    assert "npm ERR! no such package" in outcome.error.detail
    assert host.world.serving == before
    assert host.world.head == OLD
    # What an earlier build left to begin with stays.
    assert [*machine.images.values()] == ["sha256:older"]
    assert any("rm --force 0123456789ab" in text for text in machine.asked)


def test_an_interrupt_ends_the_build_and_leaves_nothing() -> None:
    machine, host = Engine(), Host()
    machine.broken[" build "] = KeyboardInterrupt()
    outcome = deploy(machine, host)
    assert outcome.code == 4
    assert nothing_left(machine)
    assert host.world.head == OLD


def test_images_that_do_not_arrive_leave_nothing_here() -> None:
    machine, host = Engine(), Host(fault=Fault(0, 1, named="docker load", lasts=True))
    outcome = deploy(machine, host)
    assert outcome.code in (4, 5)
    assert [event.title for event in outcome.events if isinstance(event, StepFailed)] == [
        "Building containers"
    ]
    assert nothing_left(machine)


def test_what_was_built_stays_for_the_next_build_where_the_release_fails_later() -> None:
    machine, host = Engine(), Host(fault=Fault(0, 1, named="migration:run"))
    outcome = deploy(machine, host)
    assert (outcome.code, outcome.failed_step) == (4, "Running database migrations")
    assert {name.rpartition(".")[2] for name in machine.images} == {RELEASE}
    assert not [name for name in host.world.images if name.endswith(f":{RELEASE}")]


def test_a_link_that_leads_out_of_the_repository_is_not_followed() -> None:
    host = Host()
    host.code = archive(
        *((f"{name}/Dockerfile", "") for name in SERVICES if name != "backend"), link=("backend", "/etc")
    )
    machine = Engine()
    outcome = deploy(machine, host)
    assert outcome.code == 4
    assert "backend, a link that leads out of the repository" in str(outcome.error)
    assert not machine.documents


@pytest.mark.parametrize("code", [b"", CODE[: len(CODE) // 2], archive(("../../gone", "x"))])
def test_code_that_is_not_whole_is_not_built(code: bytes) -> None:
    machine, host = Engine(), Host()
    host.code = code
    outcome = deploy(machine, host)
    assert (outcome.code, machine.documents) == (4, [])
    assert "the code did not come whole" in str(outcome.error)


def test_what_is_built_from_elsewhere_than_the_repository_is_refused() -> None:
    def extends(document: dict[str, Any]) -> None:
        document["services"]["backend"]["build"]["context"] = "/opt/shared"

    machine, host = Engine(), Host()
    host.extends = extends
    outcome = deploy(machine, host)
    assert outcome.code == 4
    assert "backend is built from /opt/shared, which is not in the repository" in str(outcome.error)
    assert DIRECTORY not in str(outcome.error)
