"""`inv deploy.plan`: what a deploy would do, found out in a real repository without changing it."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from fakes import FakeHost, context, result
from kit import bash, commit, git, path, program, recorded, settings

from schedgen_ops.checklist import changes
from schedgen_ops.commands.ref_names import Ref
from schedgen_ops.deploy import preview
from schedgen_ops.errors import CommandFailed, OpsError, Refused
from schedgen_ops.release.record import Release, ReleaseId, State, to_json
from schedgen_ops.remote import Result
from schedgen_ops.settings import Settings
from schedgen_ops.shell import Command

DOCUMENT = {
    "services": {
        "backend": {"build": {"context": "PROJECT/backend"}},
        "frontend": {"build": {"context": "PROJECT/frontend"}},
        "redis": {"image": "redis:7"},
        "prometheus": {"image": "prom:1", "volumes": [{"type": "bind", "source": "PROJECT/mon/p.yml"}]},
    }
}
COMPOSE = f"""
case "$*" in
  *"config --hash"*) printf 'backend h1\\nfrontend h2\\nprometheus h3\\nredis h4\\n' ;;
  *"config --format json"*) document='{json.dumps(DOCUMENT)}'; echo "${{document//PROJECT/$PROJECT}}" ;;
esac
echo "$*" >> "$HOME/calls"
"""


# What two services that a release changes were seen at; the other one is called at several ports.
LISTENS = "listens\tbackend\t172.18.0.7\t0\t3001\nlistens\tfrontend\t172.18.0.8\t0\t80\t81\n"
SPOKEN = "172.18.0.7/3001 http\n"


@dataclass
class Project:
    """A clone that is behind its origin, and a stand-in for docker compose."""

    origin: Path
    clone: Path
    programs: Path
    old: str
    new: str
    seen: dict[tuple[str, ...], preview.Preview] = field(default_factory=dict)

    def run(self, command: Command) -> Result:
        home = self.clone.parent
        return bash(command, home, PATH=path(self.programs), PROJECT=str(self.clone), HOME=str(home))

    @property
    def settings(self) -> Settings:
        return settings("app1", directory=str(self.clone))

    def state(self) -> dict[str, str]:
        asked = ("rev-parse HEAD", "status --porcelain", "for-each-ref", "count-objects", "stash list")
        return {line: git(self.clone, *line.split()) for line in asked}

    def look(
        self, branch: str = "main", containers: str | Result = "", releases: str = "\n", **config: Any
    ) -> preview.Preview:
        known = (branch, str(containers), releases, str(config))
        if known not in self.seen:
            self.seen[known] = self._look(branch, containers, releases, **config)
        return self.seen[known]

    def _look(
        self, branch: str, containers: str | Result, releases: str = "\n", **config: Any
    ) -> preview.Preview:
        answers: dict[Any, Any] = {
            "docker inspect": containers,
            "where containers listen": LISTENS,
            "what ports speak": SPOKEN,
            "read the releases": releases,
            lambda command: command.text.startswith(
                ("docker exec", "docker image", "{ docker exec")
            ): "1000\n",
            lambda _: True: self.run,
        }
        chosen = settings("app1", directory=str(self.clone), **config)
        return preview.look(context(FakeHost(answers=answers), chosen), Ref(branch))


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Project:
    folder = tmp_path_factory.mktemp("project")
    origin = folder / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet")
    old = commit(origin, "one", compose_dot_yaml="x", backend__a_dot_js="1", mon__p_dot_yml="1", README="1")
    git(folder, "clone", "--quiet", str(origin), "it's here")
    commit(origin, "Add a migration --", backend__src__migrations__1_dot_js="x", backend__a_dot_js="2")
    new = commit(origin, "Scrape more", mon__p_dot_yml="2", README="2")
    git(origin, "tag", "v2")
    programs = program(folder / "bin", "docker", COMPOSE).parent
    return Project(origin, folder / "it's here", programs, old, new)


def boxes(**written: str) -> str:
    lines = [json.loads(line) for line in recorded("containers.jsonl").splitlines()]
    for line in lines:
        labels = line["labels"]
        labels["com.docker.compose.config-hash"] = written.get(labels["com.docker.compose.service"], "other")
    return "\n".join(map(json.dumps, lines))


def test_it_tells_what_lies_between_and_changes_nothing(project: Project) -> None:
    before = project.state()
    found = project.look("v2")
    assert project.state() == before
    assert (found.running, found.version) == (project.old[:12], project.new)
    assert [line.partition(" ")[2] for line in found.changes.commits] == ["Scrape more", "Add a migration --"]
    assert found.migrations == ("backend/src/migrations/1.js",)
    assert preview.files(found)[0] == ("M", "README")
    assert ("A", "backend/src/migrations/1.js") in preview.files(found)


def test_it_tells_which_services_would_be_replaced_and_why(project: Project) -> None:
    running = boxes(backend="h1", frontend="h2", prometheus="h3", redis="h4")
    assert project.look(containers=running).services == (
        ("redis", "keep", "unchanged", ""),
        ("backend", "replace", "its image is built from backend/a.js and 1 more", "start-first, no gap"),
        ("frontend", "keep", "unchanged", ""),
        (
            "prometheus",
            "replace",
            "mon/p.yml, which it mounts, changed",
            "start-first, no gap",
        ),
    )


def test_it_tells_what_the_config_may_say_of_services_that_are_called_by_name(project: Project) -> None:
    ((_, told),) = [row for row in preview.head(project.look()) if row[0] == "By name"]
    assert "`rollout: {by_name: {backend: 3001}}`" in told
    said = project.look(rollout={"by_name": {"backend": 3001}})
    assert "By name" not in dict(preview.head(said))


def test_a_project_in_a_folder_of_its_repository_is_read_from_there(tmp_path: Path) -> None:
    origin = tmp_path / "origin"
    origin.mkdir()
    git(origin, "init", "--quiet")
    files = {"deploy__compose_dot_yaml": "x", "deploy__backend__a": "1", "frontend__a": "1", "docs__a": "1"}
    old = commit(origin, "one", **files)
    git(tmp_path, "clone", "--quiet", str(origin), "clone")
    commit(origin, "two", frontend__a="2", docs__a="2", deploy__mon__p_dot_yml="2", deploy__db__1="x")
    compose = COMPOSE.replace("PROJECT/frontend", "PROJECT/../frontend")
    programs = program(
        tmp_path / "bin", "docker", compose + 'for f; do [ ! -e "$f" ] || echo "$f"; done >&2'
    ).parent
    made = Project(origin, tmp_path / "clone/deploy", programs, old, git(origin, "rev-parse", "HEAD"))
    found = made.look(
        containers=boxes(backend="h1", frontend="h2", prometheus="h3", redis="h4"), migrations={"path": "db"}
    )
    assert found.migrations == ("deploy/db/1",)
    assert {name: why for name, action, why, _ in found.services if action == "replace"} == {
        "frontend": "its image is built from ../frontend/a",
        "prometheus": "mon/p.yml, which it mounts, changed",
    }


def test_a_definition_that_changed_and_a_service_that_is_new_are_told(project: Project) -> None:
    running = boxes(backend="h1", frontend="h2", prometheus="h3")
    found = {name: (action, why) for name, action, why, _ in project.look(containers=running).services}
    assert found["redis"] == ("replace", "its definition changed")
    assert {name: action for name, action, _, _ in project.look().services} == dict.fromkeys(found, "start")


def test_what_is_stopped_would_be_started(project: Project) -> None:
    lines = [json.loads(line) for line in boxes(backend="h1", frontend="h2", redis="h4").splitlines()]
    for line in lines:
        if line["labels"]["com.docker.compose.service"] == "redis":
            line["status"] = "exited"
    found = project.look(containers="\n".join(map(json.dumps, lines)))
    assert ("redis", "start", "not running", "") in found.services


def test_it_prints_the_operations_that_a_deploy_performs(project: Project) -> None:
    running = boxes(backend="h1", frontend="h2", prometheus="h3", redis="h4")
    new = project.new[:7]
    assert project.look(containers=running).operations == (
        ("Code", f"check out {project.new[:12]}"),
        ("Infrastructure", "leave redis as it is"),
        ("Application", "leave frontend as it is"),
        (
            "Application",
            f"start backend of {new} beside what runs: its image is built from backend/a.js and 1 more",
        ),
        ("Monitoring", f"start prometheus of {new} beside what runs: mon/p.yml, which it mounts, changed"),
        ("Verification", f"cut off what backend of {new} replaced"),
        ("Verification", f"& cut off what prometheus of {new} replaced"),
        ("Verification", f"name {new} as what serves"),
        ("Cleaning", f"retire what backend of {new} replaced"),
        ("Cleaning", f"& retire what prometheus of {new} replaced"),
    )


def test_the_compose_files_of_the_new_commit_are_asked_in_the_projects_own_directory(
    project: Project,
) -> None:
    calls = project.clone.parent / "calls"
    calls.write_text("")
    project._look("main", "")
    first = next(line for line in calls.read_text().splitlines() if "config" in line)
    assert f"--project-directory {project.clone} -f " in first
    assert first.endswith("/tree/compose.yaml config --hash *")
    project._look("main", "", compose_files=["mon/p.yml"], env_file="prod.env", profiles=["app"])
    last = [line for line in calls.read_text().splitlines() if "config --format" in line][-1]
    assert "--profile app" in last
    assert f"--env-file {project.clone}/prod.env" in last
    assert "/tree/mon/p.yml config" in last


def test_nothing_is_left_behind(project: Project, tmp_path: Path) -> None:
    command = changes.command(project.settings, Ref("main"), project.old)
    answer = bash(
        command, tmp_path, PATH=path(project.programs), TMPDIR=str(tmp_path), PROJECT="/p", HOME=str(tmp_path)
    )
    assert answer.ok, answer.stderr
    assert [found.name for found in tmp_path.iterdir()] == ["calls"]


@pytest.mark.parametrize("branch", ["gone", "0" * 40])
def test_a_branch_that_is_not_there_is_told_as_such(project: Project, branch: str) -> None:
    with pytest.raises(OpsError, match="origin has no branch, tag or commit") as caught:
        project.look(branch)
    assert caught.value.host == "app1"


def test_an_origin_that_does_not_answer_is_an_error(project: Project, tmp_path: Path) -> None:
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(project.origin), str(clone))
    git(clone, "remote", "set-url", "origin", str(tmp_path / "gone"))
    with pytest.raises(CommandFailed, match="look at main"):
        Project(project.origin, clone, project.programs, "", "").look()


def test_a_folder_without_git_is_told_as_such(project: Project, tmp_path: Path) -> None:
    with pytest.raises(OpsError, match="no git repository in") as caught:
        Project(tmp_path, tmp_path, project.programs, "", "").look()
    assert "not a git repository" in caught.value.detail


def test_a_host_without_the_compose_plugin_is_told_as_such(project: Project, tmp_path: Path) -> None:
    body = 'case "$1" in compose) echo "unknown flag: --short" >&2; exit 125 ;; esac'
    other = replace(project, programs=program(tmp_path / "bin", "docker", body).parent, seen={})
    with pytest.raises(Refused, match="the Docker Compose plugin is missing") as caught:
        other.look()
    assert "docker-compose-plugin" in caught.value.hint


def test_a_docker_that_does_not_answer_is_no_host_without_containers(project: Project) -> None:
    with pytest.raises(CommandFailed, match="docker inspect"):
        project.look(containers=result(stderr="no daemon", code=1))


def test_the_disk_that_is_needed_is_summed_up(project: Project) -> None:
    found = project.look(containers=boxes(backend="h1", frontend="h2", prometheus="h3", redis="h4"))
    assert found.need == 3000
    assert found.free > 0
    assert dict(preview.head(found))["New migrations"] == "backend/src/migrations/1.js"
    assert dict(preview.head(found))["Disk"].startswith("2.9 KiB needed at most, ")


def test_a_run_that_was_cut_off_is_told_to_be_taken_back_first(project: Project) -> None:
    served, begun = "20250101_100000-" + project.old[:7], "20250102_100000-" + project.new[:7]
    done = Release(ReleaseId(served), "main", project.old, State.DONE)
    left = Release(ReleaseId(begun), "main", project.new, State.STARTED, previous=done.id)
    found = project.look(releases="\n".join([served, to_json(done), to_json(left), ""]))
    assert dict(preview.head(found))["Taken back first"] == f"{begun}, unless its run still goes on"
    quiet = project.look(releases="\n".join([served, to_json(done), ""]))
    assert "Taken back first" not in dict(preview.head(quiet))


def test_what_images_and_files_say_of_state_is_known_before_anything_changes(
    project: Project, tmp_path: Path
) -> None:
    volumes = [
        {"type": "bind", "source": f"PROJECT/{path}", "target": f"/{path}"} for path in ("mon", "data")
    ]
    told = json.dumps(["sha256:r", ["redis:7"], {"/data": {}}])
    body = COMPOSE.replace('{"image": "redis:7"}', json.dumps({"image": "redis:7"}))
    body = body.replace(
        '{"context": "PROJECT/backend"}', '{"context": "PROJECT/backend"}, "volumes": ' + json.dumps(volumes)
    )
    body += f"\ncase $* in *'image inspect'*'redis:7'*) echo '{told}' ;; esac"
    other = replace(project, programs=program(tmp_path / "bin", "docker", body).parent, seen={})
    running = boxes(backend="h1", frontend="h2", prometheus="h3", redis="h0")
    found = other.look(containers=running, rollout={"start_first": ["redis"]})
    why = "each container of it has a volume of its own at /data"
    assert f"rollout.start_first has redis: {why}, and two of it cannot be there at once" in found.problems
    rows = {name: how for name, *_, how in found.services}
    assert rows["redis"].startswith(f"stop-first ({why})")
    # Of what it mounts, git knows one folder.
    assert rows["backend"].startswith(f"stop-first (it may write to {project.clone}/data), away")


@pytest.mark.parametrize(
    ("stray", "end"),
    [("", ", this once"), ("mon/x.log", ", and later: mon/x.log is not as git has it")],
)
def test_files_that_change_under_what_runs_are_told_and_why_they_do_so_later(
    project: Project, tmp_path: Path, stray: str, end: str
) -> None:
    volume = {"type": "bind", "source": "PROJECT/mon", "target": "/mon", "read_only": True}
    body = COMPOSE.replace('"source": "PROJECT/mon/p.yml"', json.dumps(volume)[1:-1])
    other = replace(project, programs=program(tmp_path / "bin", "docker", body).parent, seen={})
    seen = {"Type": "bind", "Source": f"{project.clone}/mon", "Destination": "/mon", "RW": False}
    running = "\n".join(
        json.dumps({**json.loads(line), "mounts": [seen] if '"prometheus"' in line else []})
        for line in boxes(prometheus="h3").splitlines()
    )
    if stray:
        (project.clone / stray).write_text("x")
    try:
        rows = {name: how for name, *_, how in other.look(containers=running).services}
    finally:
        if stray:
            (project.clone / stray).unlink()
    under = "its files change under it already when the code is checked out"
    assert rows["prometheus"].endswith(f"{under}{end}")


@pytest.mark.parametrize("runs", ["backend:one", "sha256:r"])
def test_what_runs_tells_of_the_state_of_what_is_still_to_be_built(
    project: Project, tmp_path: Path, runs: str
) -> None:
    # `docker ps` gives the name of an image, or its id where the name has moved on.
    told = json.dumps(["sha256:r", ["backend:one"], {"/data": {}}])
    body = f"{COMPOSE}\ncase $* in ps*) echo '{runs}' ;; *'image inspect'*'{runs}'*) echo '{told}' ;; esac"
    other = replace(project, programs=program(tmp_path / "bin", "docker", body).parent, seen={})
    running = "\n".join(
        json.dumps({**json.loads(line), "image": "sha256:r"}) for line in boxes(backend="h1").splitlines()
    )
    rows = {name: how for name, *_, how in other.look(containers=running).services}
    assert "a volume of its own at /data" in rows["backend"]
