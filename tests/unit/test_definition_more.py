"""What a definition says that neither Compose's hash of a service nor what it writes has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from fakes import result
from kit import bash, commit, git, minimal, path, program

from schedgen_ops.checklist import changes, fitting
from schedgen_ops.checklist.changes import Coming
from schedgen_ops.commands.compose import Compose, Service, parse_resolved, parse_services
from schedgen_ops.commands.definition import UNREAD, parse_hashes
from schedgen_ops.commands.docker import Docker
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.orchestrators.swarm.fitting import misfits
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.rollout import plan
from schedgen_ops.settings import Settings

BINARY = Path(sys.executable).parent / "docker-compose"
GIVEN = """
services:
  web: {image: "web:1", configs: [page], secrets: [token]}
  mailer: {image: "web:1", secrets: [{source: token, target: /run/t}]}
  other: {image: "web:1", environment: {environment: "TOKEN"}}
configs: {page: {content: "hello $NAME"}}
secrets: {token: {environment: TOKEN}, unused: {environment: UNUSED}}
"""


class Owner:
    """A project's folder in git, with the env file that git has not."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "srv"
        self.folder.mkdir()
        self.env = {
            "PATH": path(
                program(folder / "bin", "docker", f'[ "$1" != compose ] || exec {BINARY} "${{@:2}}"').parent
            )
        }

    @property
    def settings(self) -> Settings:
        return minimal(directory=str(self.folder), project="p", remote="origin")

    def writes(self, text: str, env: str) -> None:
        (self.folder / "compose.yaml").write_text(text)
        (self.folder / ".env").write_text(env)

    def definitions(self, release: str = "r1") -> dict[str, str]:
        """What each service is, as a release has it."""
        compose = Compose(Docker(), "p", str(self.folder))
        answer = bash(compose.resolve(f"{self.folder}/.schedgen/{release}"), self.folder, **self.env)
        assert answer.ok, answer.stderr
        return {each.name: self.definition(each) for each in parse_resolved(answer.stdout)}

    def definition(self, service: Service) -> str:
        return plan.definition(service, {}, str(self.folder))

    def pinned(self, release: str = "r1") -> dict[str, Any]:
        """The services of a release's own definition, as Compose reads it."""
        folder = f"{self.folder}/.schedgen/{release}"
        compose = Compose(Docker(), "p", str(self.folder))
        answer = bash(compose.resolve(folder), self.folder, **self.env)
        found = parse_resolved(answer.stdout)
        records = {each.name: ServiceRecord(f"p-{each.name}:r1", "", "d") for each in found}
        overlay = plan.overlay(records, ReleaseId(release), services=found)
        done = bash(compose.pin(folder, overlay), self.folder, **self.env)
        assert done.ok, done.stderr
        return self.asked(f"{folder}/compose.yaml")

    def asked(self, file: str) -> dict[str, Any]:
        """The services that Compose reads in a file."""
        words = [str(BINARY), "-p", "p", "-f", file, "config", "--format", "json"]
        done = subprocess.run(words, cwd=self.folder, capture_output=True, text=True, check=True, timeout=60)
        return dict(json.loads(done.stdout)["services"])

    def coming(self) -> Coming:
        """What a deploy of what is written now would bring, as the plan and the checklist look at it."""
        if not (self.folder / ".git").exists():
            git(self.folder, "init", "--quiet")
            (self.folder / ".gitignore").write_text(".env\n.schedgen\n")
            git(self.folder, "remote", "add", "origin", str(self.folder))
        commit(self.folder, "next")
        answer = bash(changes.command(self.settings, Ref("main")), self.folder, **self.env)
        assert answer.ok, answer.stderr
        return changes.parse(result(answer.stdout))


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return Owner(tmp_path)


@pytest.mark.parametrize(
    ("text", "env", "differ"),
    [
        (GIVEN, 'NAME=a\nTOKEN="x }\\"$y"\nUNUSED=1\n', []),
        (GIVEN, 'NAME=a\nTOKEN="x }\\"$y"\nUNUSED=2\n', []),
        (GIVEN, 'NAME=b\nTOKEN="x }\\"$y"\nUNUSED=1\n', ["web"]),
        (GIVEN.replace("hello", "bye"), 'NAME=a\nTOKEN="x }\\"$y"\nUNUSED=1\n', ["web"]),
        (GIVEN, "NAME=a\nTOKEN=z\nUNUSED=1\n", ["mailer", "web"]),
        (GIVEN, "NAME=a\nUNUSED=1\n", ["mailer", "web"]),
    ],
)
def test_a_service_changes_with_the_configs_and_secrets_that_are_no_files(
    owner: Owner, text: str, env: str, differ: list[str]
) -> None:
    owner.writes(GIVEN, 'NAME=a\nTOKEN="x }\\"$y"\nUNUSED=1\n')
    before = owner.definitions()
    owner.writes(text, env)
    now = owner.definitions("r2")
    assert [name for name in now if now[name] != before[name]] == differ
    # The plan knows the same before anything is done.
    coming = owner.coming()
    services = parse_services(json.loads(coming.document or ""), parse_hashes(coming.hashes))
    assert {each.name: owner.definition(each) for each in services} == now


@pytest.mark.parametrize(
    ("env", "there"),
    [
        ("COMPOSE_FILE=compose.yaml:more/prod.yaml\n", ["api", "web"]),
        ("COMPOSE_PATH_SEPARATOR=;\nexport COMPOSE_FILE='more/prod.yaml;compose.yaml'\n", ["api", "web"]),
        ("PLACE=more\nCOMPOSE_FILE=${PLACE}/prod.yaml\n", ["api"]),
        ("# COMPOSE_FILE=more/prod.yaml\n", ["web"]),
    ],
)
def test_the_plan_reads_the_files_that_the_env_file_names(owner: Owner, env: str, there: list[str]) -> None:
    (owner.folder / "more").mkdir()
    (owner.folder / "more/prod.yaml").write_text('services: {api: {image: "api:1"}}')
    owner.writes('services: {web: {image: "web:1"}}', env)
    assert sorted(owner.definitions()) == there
    assert sorted(json.loads(owner.coming().document or "")["services"]) == there


@pytest.mark.parametrize("name", ["compose", "docker-compose"])
@pytest.mark.parametrize("ending", ["yml", "yaml"])
def test_the_plan_reads_what_overrides_the_file(owner: Owner, name: str, ending: str) -> None:
    owner.writes('services: {web: {image: "web:1"}}', "")
    (owner.folder / f"{name}.override.{ending}").write_text('services: {web: {image: "web:2"}}')
    before = owner.definitions()
    services = json.loads(owner.coming().document or "")["services"]
    assert services["web"]["image"] == "web:2"
    (owner.folder / f"{name}.override.{ending}").unlink()
    assert owner.definitions("r2") != before


def test_no_value_of_a_secret_is_told(owner: Owner) -> None:
    owner.writes(GIVEN, "NAME=a\nTOKEN=s3cret\n")
    assert "s3cret" not in owner.coming().hashes
    assert not [
        file for file in (owner.folder / ".schedgen").glob("*/hashes") if "s3cret" in file.read_text()
    ]


@pytest.mark.parametrize(
    "text",
    [
        "\n  if:\n    then\n",
        "  a\nb",
        "\n\n    deep\n  less\n",
        "\ttab\n",
        "a\r\n  b",
        " ",
        "\u2028x",
        "$$x ${y}",
    ],
)
def test_a_text_is_in_a_releases_own_definition_as_its_owner_wrote_it(owner: Owner, text: str) -> None:
    written = text.replace("$", "$$")
    body = {
        "image": "w",
        "command": ["sh", "-c", written],
        "environment": {"A": written},
        "labels": {"b": written},
    }
    owner.writes(json.dumps({"services": {"web": body}}), "")
    wanted = owner.asked(f"{owner.folder}/compose.yaml")["web"]
    web = owner.pinned()["web"]
    assert wanted["command"][-1] == written
    assert (web["command"], web["environment"]) == (wanted["command"], wanted["environment"])
    assert web["labels"]["b"] == wanted["labels"]["b"]


def test_labels_from_a_file_are_those_of_the_release_whatever_becomes_of_the_file(owner: Owner) -> None:
    (owner.folder / "labels.env").write_text("a=1\n")
    owner.writes("services: {web: {image: 'web:1', label_file: labels.env, labels: {b: '2'}}}", "")
    owner.pinned()
    (owner.folder / "labels.env").write_text("a=3\nc=4\n")
    file = f"{owner.folder}/.schedgen/r1/compose.yaml"
    told = {key: value for key, value in owner.asked(file)["web"]["labels"].items() if "schedgen" not in key}
    assert told == {"a": "1", "b": "2"}
    (owner.folder / "labels.env").unlink()
    assert owner.asked(file)
    written = json.loads((owner.folder / ".schedgen/r1/owner.yaml").read_text())
    assert [*misfits(written, parse_services(written, {}), str(owner.folder))] == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("services: {web: {image: 'web:1'}}", ""),
        ("services: {web: {image: 'web:1', models: [llm]}}\nmodels: {llm: {model: 'ai/m'}}", "llm"),
        (
            "services: {web: {image: 'w', blkio_config: {device_read_bps: [{path: /dev/sda, rate: 1mb}]}}}",
            "blkio_config",
        ),
        (
            "services:\n  web: {image: 'w', depends_on: {x: {condition: service_started, required: false}}}\n"
            "  x: {image: 'x', profiles: [more]}",
            "",
        ),
    ],
)
def test_what_compose_does_not_read_again_is_refused_before_anything_begins(
    owner: Owner, text: str, why: str
) -> None:
    owner.writes(text, "")
    coming = owner.coming()
    said = parse_hashes(coming.hashes).get(UNREAD, "")
    assert bool(said) == bool(why)
    assert why in said
    found = fitting.judged(owner.settings, owner.settings.hosts[0], coming, "")
    refused = [each.text for each in found if not isinstance(each, str) and each.refuses]
    assert refused == ([f"no release can keep the new compose file: {said}"] if why else [])
