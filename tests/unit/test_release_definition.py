"""A release's own definition is whole: the real Compose runs it without what its owner had around it."""

from __future__ import annotations

import json
import string
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit import bash, minimal, path, program

from schedgen_ops.commands.compose import Compose, Service, parse_resolved, parse_services
from schedgen_ops.commands.docker import Docker
from schedgen_ops.orchestrators.compose import compose_of
from schedgen_ops.release.record import ReleaseId, ServiceRecord
from schedgen_ops.rollout import plan

BINARY = Path(sys.executable).parent / "docker-compose"
ID = ReleaseId("20250115_120000-abc1234")


class Owner:
    """A project's folder, and what becomes of its definition."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.release = folder / ".schedgen" / "r1"
        self.programs = path(program(folder / "bin", "docker", f'shift; exec {BINARY} "$@"').parent)

    def pinned(self, text: str, env: str = "", profiles: tuple[str, ...] = ()) -> tuple[Service, ...]:
        (self.folder / "compose.yaml").write_text(text)
        (self.folder / ".env").write_text(env)
        compose = Compose(Docker(), "p", str(self.folder), profiles=profiles)
        resolved = bash(compose.resolve(str(self.release)), self.folder, PATH=self.programs)
        assert resolved.ok, resolved.stderr
        found = parse_resolved(resolved.stdout)
        records = {each.name: ServiceRecord(plan.image_name("p", each.name, ID), "", "d") for each in found}
        overlay = plan.overlay(records, ID, services=found)
        done = bash(compose.pin(str(self.release), overlay), self.folder, PATH=self.programs)
        assert done.ok, done.stderr
        again = bash(
            compose.pin(str(self.release), plan.relabelled(overlay, ID)), self.folder, PATH=self.programs
        )
        assert again.ok, again.stderr
        return found

    def asked(self, *words: str) -> str:
        """What Compose says of the release's definition, from somewhere else."""
        line = [str(BINARY), "-p", "p", "-f", str(self.release / "compose.yaml"), *words]
        done = subprocess.run(line, cwd="/", capture_output=True, text=True, check=True, timeout=60)
        return done.stdout

    @property
    def services(self) -> dict[str, Any]:
        return dict(json.loads(self.asked("config", "--format", "json"))["services"])


@pytest.fixture
def owner(tmp_path: Path) -> Owner:
    return Owner(tmp_path)


def test_profiles_and_secrets_that_the_env_file_names_are_there(owner: Owner) -> None:
    text = """
services:
  web: {image: "web:1", secrets: [token]}
  mailer: {image: "web:1", profiles: [mail]}
  extra: {image: "web:1", profiles: [debug]}
secrets: {token: {environment: API_TOKEN}}
"""
    found = owner.pinned(text, "COMPOSE_PROFILES=mail\nAPI_TOKEN=s3cret\nCOMPOSE_FILE=compose.yaml\n")
    assert [each.name for each in found] == ["mailer", "web"]
    assert sorted(owner.services) == ["mailer", "web"]
    assert "API_TOKEN=s3cret" in owner.asked("config", "--environment").split()
    kept = owner.release / ".env"
    assert kept.stat().st_mode & 0o077 == 0


def test_profiles_of_the_config_replace_those_of_the_env_file(owner: Owner) -> None:
    text = """
services:
  web: {image: "web:1"}
  mailer: {image: "web:1", profiles: [mail], environment: {A: "${A:-}"}}
  worker: {image: "web:1", profiles: [work]}
  extra: {image: "web:1", profiles: [debug]}
"""
    found = owner.pinned(text, "COMPOSE_PROFILES=debug\nA=last", ("mail", "work"))
    assert [each.name for each in found] == ["mailer", "web", "worker"]
    # The definition is asked without options: it has them itself.
    assert sorted(owner.services) == ["mailer", "web", "worker"]
    assert owner.services["mailer"]["environment"] == {"A": "last"}
    assert (owner.folder / ".env").read_text() == "COMPOSE_PROFILES=debug\nA=last"
    assert compose_of(minimal(profiles=["mail"])).choices() == ("--profile", "mail")


def test_what_is_needed_if_it_is_there_is_left_out_where_it_is_not(owner: Owner) -> None:
    text = """
services:
  web:
    image: "web:1"
    depends_on:
      db: {condition: service_started, restart: true}
      extra: {condition: service_started, required: false}
  db: {image: "db:1"}
  extra: {image: "web:1", profiles: [debug]}
"""
    (_, web) = owner.pinned(text)
    assert web.needs == ("db",)
    assert list(owner.services["web"]["depends_on"]) == ["db"]
    assert owner.services["web"]["depends_on"]["db"]["restart"] is True


def test_files_in_another_folder_have_their_env_file_there(owner: Owner) -> None:
    deploy = owner.folder / "deploy"
    deploy.mkdir()
    (deploy / "compose.yaml").write_text('services: {web: {image: "web:${TAG:-none}", build: ../web}}')
    for folder, tag in ((owner.folder, "top"), (deploy, "deploy")):
        (folder / ".env").write_text(f"TAG={tag}\n")
    asked = minimal(compose_files=["deploy/compose.yaml"], directory=str(owner.folder))
    assert asked.env_file == "deploy/.env"
    compose = compose_of(asked)
    (web,) = parse_resolved(
        bash(compose.resolve(str(owner.release)), owner.folder, PATH=owner.programs).stdout
    )
    assert (web.image, web.context) == ("web:deploy", str(owner.folder / "web"))
    assert (owner.release / ".env").read_text() == "TAG=deploy\n"
    # Compose misses none that is not there; one that the config names has to be.
    (deploy / ".env").unlink()
    assert bash(compose.resolve(str(owner.release)), owner.folder, PATH=owner.programs).ok
    assert minimal(compose_files=["deploy/compose.yaml"], env_file=".env").env_file == ".env"


def test_no_registry_is_asked_for_a_name_of_ours(owner: Owner) -> None:
    owner.pinned('services: {web: {image: "web:1", pull_policy: always}}')
    assert owner.services["web"]["pull_policy"] == "never"


def test_who_runs_the_image_that_another_service_builds_is_built_with_it() -> None:
    build = {"build": {"context": "/srv/p/app"}}
    document = {
        "services": {
            "web": {**build, "image": "registry:5000/shop"},
            "worker": {"image": "registry:5000/shop:latest"},
            "beat": {"image": "registry:5000/shop"},
            "old": {"image": "registry:5000/shop:1"},
            "cache": {"image": "redis"},
            "alone": build,
        }
    }
    found = {each.name: each for each in parse_services(document, {})}
    assert {name: each.image_of for name, each in found.items() if each.image_of} == {
        "worker": "web",
        "beat": "web",
    }
    assert found["worker"].context == "/srv/p/app"
    assert [name for name, each in found.items() if not each.built] == ["cache", "old"]


@given(st.lists(st.text(string.ascii_letters + string.digits + "._-", min_size=1), min_size=2, unique=True))
def test_each_service_has_an_image_name_of_its_own_that_docker_takes(names: list[str]) -> None:
    images = [plan.image_name("p", name, ID).partition(":")[0] for name in names]
    assert len({*images}) == len(images)
    for image in images:
        part = image.removeprefix("p-")
        assert plan._NAME_PART.fullmatch(part), image


def test_an_image_name_that_docker_takes_stays_as_it_was() -> None:
    assert plan.image_name("p", "pdf-worker", ID) == f"p-pdf-worker:{ID}"
    assert plan.image_name("p", "WebApp", ID).startswith("p-webapp-")
