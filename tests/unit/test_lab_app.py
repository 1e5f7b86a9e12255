"""The reference application's repository, sources and image list, as the lab and a deploy rely on them."""

from __future__ import annotations

import re
import subprocess
from itertools import chain
from pathlib import Path

import pytest
import yaml

from schedgen_ops.lab.app.images import CONTEXTS, IMAGES
from schedgen_ops.lab.app.repository import RELEASES, SAMPLE_PDF, SEED, build_repository

SERVICES = ("postgres", "redis", "minio", "backend", "frontend", "pdf-worker", "prometheus", "grafana")
TAGS = tuple(release.tag for release in RELEASES)
BROKEN = tuple(release.tag for release in RELEASES if release.is_broken)
MIGRATIONS = "backend/src/migrations/"


def git(repository: Path, *arguments: str) -> str:
    argv = ("git", "-C", str(repository), *arguments)
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def changed(repository: Path, older: str, newer: str) -> tuple[str, ...]:
    return tuple(git(repository, "diff", "--name-only", older, newer).split())


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    destination = tmp_path_factory.mktemp("app") / "schedgen"
    build_repository(destination)
    return destination


def test_two_builds_give_the_same_commits(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = tmp_path / "gitconfig"
    settings.write_text(
        "[user]\n\tname = Somebody Else\n[core]\n\tautocrlf = true\n[commit]\n\tgpgsign = true\n"
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(settings))
    monkeypatch.setenv("GIT_AUTHOR_NAME", "Somebody Else")
    again = tmp_path / "again"
    build_repository(again)
    assert git(again, "show-ref") == git(repository, "show-ref")


def test_every_tag_of_the_lab_exists_and_main_is_checked_out_clean(repository: Path) -> None:
    assert set(git(repository, "tag").split()) == set(TAGS)
    assert {"v1.2.2", "v1.2.3", "v1.2.4"} < set(TAGS)
    kinds = ("build", "migration", "health", "crash", "errors", "slow", "leak")
    assert tuple(f"broken-{kind}" for kind in kinds) == BROKEN
    assert git(repository, "branch", "--show-current").strip() == "main"
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "rev-parse", "main") == git(repository, "rev-parse", "v1.2.4^{commit}")


def test_main_runs_through_the_releases_in_order(repository: Path) -> None:
    releases = [f"{tag}^{{commit}}" for tag in TAGS if tag not in BROKEN]
    history = git(repository, "rev-list", "--reverse", "main")
    assert history == git(repository, "rev-parse", *releases)
    assert releases[0].startswith("v1.2.1")


@pytest.mark.parametrize("tag", BROKEN)
def test_a_broken_release_is_one_commit_on_top_of_the_good_one(repository: Path, tag: str) -> None:
    assert git(repository, "rev-list", "--count", f"v1.2.3..{tag}").strip() == "1"
    assert git(repository, "rev-list", "--count", f"{tag}..v1.2.3").strip() == "0"
    files = changed(repository, "v1.2.3", tag)
    assert files
    assert all(name.startswith("backend/") for name in files), "only the backend is broken"


@pytest.mark.parametrize("tag", TAGS)
def test_the_compose_file_names_the_services_and_their_ports(repository: Path, tag: str) -> None:
    compose = yaml.safe_load(git(repository, "show", f"{tag}:docker-compose.yml"))
    services = compose["services"]
    assert tuple(services) == SERVICES
    published = {name: service["ports"] for name, service in services.items() if "ports" in service}
    assert published == {
        "backend": ["3001:3001"],
        "frontend": ["3000:3000"],
        "prometheus": ["9090:9090"],
        "grafana": ["3002:3000"],
    }
    for name, service in services.items():
        assert ("build" in service) != ("image" in service), name
        assert {"healthcheck", "stop_grace_period", "restart", "mem_limit"} <= set(service), name
        assert "container_name" not in service, name


def test_every_image_a_release_starts_from_is_in_the_list(repository: Path) -> None:
    compose = yaml.safe_load(git(repository, "show", "main:docker-compose.yml"))
    used = {service["image"] for service in compose["services"].values() if "image" in service}
    for service in ("backend", "frontend", "pdf-worker"):
        used |= set(re.findall(r"^FROM (\S+)", git(repository, "show", f"main:{service}/Dockerfile"), re.M))
    # The ingress's image is for the lab's configuration, not for the application.
    assert used == {image.tag for image in IMAGES} - {"lab/haproxy:2.6"}


def test_images_come_after_what_they_are_built_from() -> None:
    available = {"debian:bookworm-slim"}
    for image in IMAGES:
        assert set(image.needs) <= available, image.tag
        dockerfile = (CONTEXTS / image.context / "Dockerfile").read_text(encoding="utf-8")
        assert set(re.findall(r"^FROM (\S+)", dockerfile, re.M)) == set(image.needs)
        available.add(image.tag)


@pytest.mark.parametrize(
    ("older", "newer", "new"),
    [
        ("v1.2.2", "v1.2.3", (f"{MIGRATIONS}1717400000000-AddPageCount.js",)),
        ("v1.2.3", "v1.2.4", ()),
        ("v1.2.3", "broken-migration", (f"{MIGRATIONS}1719900000000-AddUploader.js",)),
    ],
)
def test_which_releases_bring_a_migration(
    repository: Path, older: str, newer: str, new: tuple[str, ...]
) -> None:
    migrations = tuple(name for name in changed(repository, older, newer) if name.startswith(MIGRATIONS))
    assert migrations == new


def test_good_releases_keep_what_the_dependency_layers_are_built_from(repository: Path) -> None:
    layers = re.compile(r"(package(-lock)?\.json|Dockerfile|\.dockerignore)$")
    files = chain(changed(repository, "v1.2.1", "v1.2.2"), changed(repository, "v1.2.2", "v1.2.4"))
    assert [name for name in files if layers.search(name)] == []


def test_the_worker_is_left_alone_by_the_last_release(repository: Path) -> None:
    assert [name for name in changed(repository, "v1.2.3", "v1.2.4") if name.startswith("pdf-worker/")] == []


@pytest.mark.parametrize("tag", TAGS)
def test_each_release_says_its_version(repository: Path, tag: str) -> None:
    expected = f"1.3.0-{tag.removeprefix('broken-')}" if tag in BROKEN else tag.removeprefix("v")
    assert git(repository, "show", f"{tag}:backend/src/version.js") == f'module.exports = "{expected}";\n'


def test_no_address_of_a_registry_is_in_a_lock_file(repository: Path) -> None:
    for service in ("backend", "pdf-worker"):
        lock = git(repository, "show", f"main:{service}/package-lock.json")
        assert "://" not in lock
        assert '"integrity"' in lock


def test_secrets_stay_out_of_git(repository: Path) -> None:
    tracked = git(repository, "ls-files").split()
    assert ".env" not in tracked
    assert ".env.example" in tracked
    (repository / ".env").write_text("POSTGRES_PASSWORD=x\n")
    assert git(repository, "status", "--porcelain") == ""


def test_the_sample_is_a_small_pdf_and_the_seed_is_there() -> None:
    data = SAMPLE_PDF.read_bytes()
    assert data.startswith(b"%PDF-")
    assert len(data) < 5000
    xref = int(data.rsplit(b"startxref\n", 1)[1].split()[0])
    assert data[xref:].startswith(b"xref\n")
    assert "generate_series(1, 200000)" in (SEED / "seed.sql").read_text(encoding="utf-8")
    assert (SEED / "seed-objects.sh").is_file()
