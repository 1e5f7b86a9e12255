"""Applications that others wrote, run by hand until `inv init` looks at them."""

from __future__ import annotations

from pathlib import Path

import yaml
from box import ROOT, Box
from drafting_kit import at_home, drafted
from stack_kit import Stack, stack

from schedgen_ops.lab.place import Place


def suited(project: Stack, place: Place) -> None:
    """Change the config to what the lab needs, and so that no test waits longer than it has to."""
    file = project.op.folder / "config" / "lab.yaml"
    config = {
        **yaml.safe_load(file.read_text()),
        "ingress": {"image": "lab/haproxy:2.6"},
        "limits": {"disk_free_gb": 0},
        "health": {"settle": 0},
        "rollout": {"drain": 2},
        "ssh": {"config_file": None, "identity_file": str(place.key), "known_hosts": str(place.known_hosts)},
    }
    file.write_text(yaml.safe_dump(config))


def left_as_told(project: Stack) -> None:
    """The commands of docs/leaving.md, typed: nothing of ours is there then, and the data is."""
    text = (ROOT / "docs" / "leaving.md").read_text()
    lines = [line.strip().replace("PROJECT", project.name) for line in text.split("\n") if line[:4] == "    "]
    ours = lines.pop(0).split()
    assert ours[0] == "inv"
    with project.visitors("http=127.0.0.1:8131/parse/health") as ended:
        away = project.op(*ours[1:], "--yes")
        (seen,) = ended().values()
    assert away.code == 0, away.output
    assert {*seen} == {'{"status":"ok"}'}
    data = f"docker ps --quiet --filter name={project.name}-db"
    before = project.box.sh(data)
    project.box.sh(f"cd {project.directory} && {' && '.join(lines)}")
    assert before
    assert project.box.sh(data) == before
    assert project.runs() == {"api", "db"}
    images = project.box.sh(f"docker ps --all --format '{{{{.Image}}}}' --filter name={project.name}").split()
    assert {*images} == {"lab/postgres:15", f"{project.name}-api"}


def test_parse_server_of_npm(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    with stack("parse", lab, empty_host, tmp_path) as project:
        project.by_hand("up", "--detach", "--build", "--wait", "--quiet-pull")
        said = drafted(project.op, at_home(lab, tmp_path), project.directory)
        assert said["database"] == {"service": "db", "user": "parse", "name": "parse", "used_by": ["api"]}
        assert said["credentials"] == ["DB_PASSWORD", "MASTER_KEY"]
        suited(project, lab)
        project.deploy("v2")
        with project.visitors("http=127.0.0.1:8131/parse/health") as ended:
            project.deploy("v1")
            (seen,) = ended().values()
        assert {*seen} == {'{"status":"ok"}'}
        left_as_told(project)
        project.deploy("v2")
        assert project.inside("api", "cat", "version") == "2"


def test_a_site_of_wagtail_of_pypi(lab: Place, empty_host: Box, tmp_path: Path) -> None:
    with stack("wagtail", lab, empty_host, tmp_path) as project:
        project.by_hand("up", "--detach", "--build", "--wait", "--quiet-pull", "db")
        project.by_hand("run", "--rm", "web", "python", "manage.py", "migrate", "--noinput")
        project.by_hand("up", "--detach", "--wait")
        said = drafted(project.op, at_home(lab, tmp_path), project.directory)
        assert said["database"] == {"service": "db", "user": "site", "name": "pages", "used_by": ["web"]}
        assert said["credentials"] == ["DB_PASSWORD", "SECRET_KEY"]
        assert said["migrations"] == {"profile": "django", "service": "web", "path": "home/migrations"}
        (check,) = said["checks"]
        assert check["url"] == "http://localhost:8132/admin/login/"
        suited(project, lab)
        assert "New migration: home/migrations/0100_note.py" in project.deploy("v2")
        listed = project.op("ops.migrations")
        assert "home.0100_note" in listed.stdout
        assert "pending" not in listed.stdout
        refused = project.op("rollback", "--revert-migrations", "--yes")
        assert refused.code == 2
        assert "nothing reverts the last migration" in refused.stderr
        with project.visitors("http=127.0.0.1:8132") as ended:
            project.deploy("v1")
            (seen,) = ended().values()
        assert all("Welcome to your new Wagtail site" in answer for answer in seen), {*seen}
