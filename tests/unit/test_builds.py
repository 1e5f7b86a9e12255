"""What a build on another machine takes: the definition of it, the code, the secrets."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest
from fakes import result
from kit import bash, commit, git, minimal, path, program, settings
from pydantic import ValidationError

from schedgen_ops.commands import builds
from schedgen_ops.commands import git as commands
from schedgen_ops.commands.builds import Code, NotMovable
from schedgen_ops.commands.docker import Docker
from schedgen_ops.preflight import local_engine

DIRECTORY = "/srv/shop/deploy"
WHOLE = Code("/srv/shop", "", "/here/code")
PART = Code(DIRECTORY, "deploy/", "/here/code")


def document(**build: Any) -> dict[str, Any]:
    said = {"context": "/srv/shop/web", "dockerfile": "Dockerfile", **build}
    other = {"build": {"context": "/opt/elsewhere"}, "image": "other"}
    return {
        "name": "shop",
        "services": {"web": {"build": said, "environment": {"PASSWORD": "x"}}, "other": other},
        "secrets": {
            "npm": {"name": "shop_npm", "environment": "NPM_TOKEN"},
            "pem": {"name": "shop_pem", "file": "/srv/shop/it's.pem"},
            "odd": {"name": "shop_odd", "external": True},
        },
    }


def built(code: Code = WHOLE, platform: str = "", **build: Any) -> builds.Moved:
    return builds.moved(document(**build), {"web": "kept/web:r1"}, code, "/here/secrets", platform)


def test_only_what_is_built_goes_along() -> None:
    services = built().document["services"]
    build = {"context": "/here/code/web", "dockerfile": "Dockerfile", "args": {}}
    assert services == {"web": {"image": "kept/web:r1", "build": build}}
    assert "secrets" not in built().document


@pytest.mark.parametrize(
    ("said", "here"),
    [
        ("/srv/shop/deploy", "/here/code/deploy"),
        ("/srv/shop/deploy/web", "/here/code/deploy/web"),
        ("/srv/shop", "/here/code"),
        ("/srv/shop/lib", "/here/code/lib"),
        ("https://git.example/shop.git#main", "https://git.example/shop.git#main"),
    ],
)
def test_paths_of_the_repository_are_found_here(said: str, here: str) -> None:
    assert built(PART, context=said).document["services"]["web"]["build"]["context"] == here


@pytest.mark.parametrize("where", ["/srv", "/srv/shopping", "/opt/lib"])
def test_what_is_in_no_repository_is_named(where: str) -> None:
    for said in ({"context": where}, {"dockerfile": where}, {"additional_contexts": {"lib": where}}):
        with pytest.raises(NotMovable, match=f"^web is built from {where}, which is not in the repository"):
            built(PART, **said)
    assert builds.hindrance(document(context=where), ["web"], DIRECTORY, "deploy/")
    assert not builds.hindrance(document(), ["web"], DIRECTORY, "deploy/")


def test_images_that_a_build_begins_with_are_built_too() -> None:
    known = document(
        additional_contexts={"base": "service:base", "lib": "/srv/shop/lib", "os": "docker-image://debian"}
    )
    known["services"]["base"] = {"build": {"context": "/srv/shop/base"}, "image": "own/base"}
    services = builds.moved(known, {"web": "kept/web:r1"}, WHOLE, "/s").document["services"]
    assert sorted(services) == ["base", "web"]
    assert "image" not in services["base"]
    contexts = services["web"]["build"]["additional_contexts"]
    assert contexts == {"base": "service:base", "lib": "/here/code/lib", "os": "docker-image://debian"}


def test_the_platform_is_the_hosts_where_a_service_says_none() -> None:
    assert built(platform="linux/arm64").document["services"]["web"]["platform"] == "linux/arm64"
    known = document()
    known["services"]["web"]["platform"] = "linux/riscv64"
    moved = builds.moved(known, {"web": "w"}, WHOLE, "/s", "linux/arm64")
    assert moved.document["services"]["web"]["platform"] == "linux/riscv64"


def test_secrets_of_a_build_are_files_here() -> None:
    moved = built(secrets=[{"source": "npm"}, {"source": "pem", "target": "key"}])
    assert (moved.files, moved.variables) == ({"pem": "/srv/shop/it's.pem"}, {"npm": "NPM_TOKEN"})
    assert moved.document["secrets"] == {
        "npm": {"file": "/here/secrets/0"},
        "pem": {"file": "/here/secrets/1"},
    }
    with pytest.raises(NotMovable, match="secret odd is neither a file nor a variable"):
        built(secrets=[{"source": "odd"}])
    with pytest.raises(NotMovable, match="key of the host's"):
        built(ssh=["default", "key=/root/.ssh/id"])
    assert built(ssh=["default"]).document["services"]["web"]["build"]["ssh"] == ["default"]


def test_secrets_that_are_variables_are_what_compose_has(tmp_path: Path, compose: str) -> None:
    (tmp_path / "r 1").mkdir()
    (tmp_path / "r 1/.env").write_text("TOKEN='a$b \"c\"'\nEMPTY=\n")
    asked = {"npm": "TOKEN", "none": "EMPTY"}
    answer = bash(builds.ask(Docker(), str(tmp_path / "r 1"), asked), tmp_path, PATH=compose)
    assert answer.ok, answer.stderr
    assert builds.parse_asked(answer.stdout, asked) == {"npm": 'a$b "c"', "none": ""}
    missing = bash(builds.ask(Docker(), str(tmp_path / "r 1"), {"x": "GONE"}), tmp_path, PATH=compose)
    assert (missing.ok, "GONE" in missing.stderr) == (False, True)


@pytest.fixture
def compose(tmp_path: Path) -> str:
    """PATH with a docker whose only command is Compose."""
    import test_secrets

    binary = test_secrets.BINARY if test_secrets.BINARY.exists() else "docker-compose"
    return path(program(tmp_path / "bin", "docker", f'shift; exec {binary} "$@"').parent)


def packed(project: Path, file: Path) -> tuple[dict[str, str], str]:
    """What was packed: text or link of each file by its name, and where the project is."""
    answer = bash(commands.pack(str(project), str(file)), project)
    assert answer.ok, answer.stderr
    length, prefix = commands.parse_packed(answer.stdout)
    data = file.read_bytes()
    assert length == len(data)
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as tar:
        found = {entry.name: entry for entry in tar.getmembers() if not entry.isdir()}
        texts = {name: tar.extractfile(entry) for name, entry in found.items() if entry.isreg()}
        whole = {name: text.read().decode() for name, text in texts.items() if text}
        return whole | {name: entry.linkname for name, entry in found.items() if entry.issym()}, prefix


def test_the_code_is_what_git_has_as_it_is_checked_out(tmp_path: Path) -> None:
    project, module = tmp_path / "it's $HOME", tmp_path / "module"
    for folder in (project, module):
        folder.mkdir()
        git(folder, "init", "--quiet")
    commit(module, "one", inner="of the module")
    commit(project, "one", a="1", sub__b="2", _dot_gitignore=".env\nleft")
    git(project, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", str(module), "mod")
    (project / "-rf").write_text("an option?")
    (project / "new\nline é").write_text("3")
    (project / "link").symlink_to("/etc/passwd")
    (project / "gone").symlink_to("nowhere")
    git(project, "add", "--all")
    git(project, "commit", "--quiet", "--message", "two")
    (project / ".env").write_text("SECRET=1")
    (project / "left").write_text("of somebody")
    (project / "untracked").write_text("too")
    found, prefix = packed(project, tmp_path / "state/carried/code.tar.gz")
    assert prefix == ""
    del found["./.gitmodules"]
    assert found == {
        "./-rf": "an option?",
        "./.gitignore": ".env\nleft",
        "./a": "1",
        "./gone": "nowhere",
        "./link": "/etc/passwd",
        "./mod/inner": "of the module",
        "./new\nline é": "3",
        "./sub/b": "2",
    }
    assert packed(project / "sub", tmp_path / "x.tar.gz")[1] == "sub/"


def test_code_that_cannot_be_read_is_not_packed(tmp_path: Path) -> None:
    answer = bash(commands.pack(str(tmp_path), str(tmp_path / "x/code.tar.gz")), tmp_path)
    assert (answer.ok, "not a git repository" in answer.stderr) == (False, True)


def engine(**changes: Any) -> local_engine.LocalEngine:
    row = f"/dev/a {200 * 2**20} 1 {99 * 2**20} 1% /"
    answers = {
        "engine": result("linux/amd64\n"),
        "compose": result("2.30.0\n"),
        "builder": result("Name: d\nPlatforms: linux/amd64*, linux/amd64/v2, linux/386\n"),
        "disk": result(f"project\t/tmp\t{row}\ndocker\t/var/lib/docker\t{row}\n"),
        **changes,
    }
    return local_engine.read(minimal(), answers)


def problems(seen: local_engine.LocalEngine, platform: str = "linux/amd64\n") -> list[tuple[str, bool, bool]]:
    found = local_engine.judge(seen)(result(platform))
    return [(each.text, each.refuses, each.unknown) for each in found]


def test_an_engine_that_can_build_has_no_problem() -> None:
    assert problems(engine()) == []
    assert engine().builds == {"linux/amd64", "linux/amd64/v2", "linux/386"}
    assert problems(engine(), "linux/386") == []
    assert engine(builder=result(code=1)).classic


def test_what_a_builder_does_not_tell_is_no_reason_to_refuse() -> None:
    assert problems(engine(builder=result("Name: new\nStatus: inactive\n")), "linux/riscv64") == []


def test_a_platform_that_cannot_be_built_for_comes_with_the_way_to_it() -> None:
    for builder, words in (
        (result(code=1), "Install buildx here"),
        (result("Platforms: linux/amd64\n"), "`docker run"),
    ):
        (found,) = local_engine.judge(engine(builder=builder))(result("linux/arm64"))
        assert found.refuses
        assert found.hint.startswith(words)
        assert "--install arm64" in found.hint


def test_room_that_cannot_be_seen_is_unknown_and_no_pass() -> None:
    away = f"project\t/tmp\t/dev/a {200 * 2**20} 1 {99 * 2**20} 1% /\nunknown\t/var/lib/docker\n"
    for said in (result(away), result("what"), result(stderr="df: no", code=1)):
        (found,) = problems(engine(disk=said))
        assert found[1:] == (False, True)


def test_a_compose_here_that_is_too_old_is_refused() -> None:
    (found,) = problems(engine(compose=result("2.17.0\n")))
    assert found == ("on this machine Docker Compose is 2.17.0, and 2.18 is needed", True, False)


def test_where_images_come_from_a_registry_nothing_is_built_here() -> None:
    assert settings("app1", build={"where": "laptop"}).built_here
    assert not settings("app1").built_here
    with pytest.raises(ValidationError, match="is about images that are built"):
        settings("app1", build={"where": "laptop"}, release={"source": "image", "variable": "V"})


def test_secrets_come_back_as_they_were_asked_for() -> None:
    told = json.dumps({"services": {"secrets": {"labels": {"npm": "$$x"}}}})
    assert builds.parse_asked(told, {"npm": "N"}) == {"npm": "$x"}
