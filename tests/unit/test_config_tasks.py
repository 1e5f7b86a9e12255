"""The example files, and the tasks that check and show them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from invoke.collection import Collection
from invoke.program import Program
from kit import OF_THE_APPLICATION

from schedgen_ops import loading
from schedgen_ops.loading.explain import keys_at
from schedgen_ops.loading.force import rows, schema
from schedgen_ops.settings import Settings
from schedgen_ops.tasks import config as tasks

REPOSITORY = Path(__file__).parents[2]
GOOD = "project: p\ndirectory: /srv/p\nhosts:\n  - name: a\n    address: host.example\n"


def write(root: Path, text: str, name: str = "production") -> None:
    file = root / "config" / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)


@pytest.mark.parametrize("env", ["production", "staging"])
def test_the_examples_are_valid(env: str) -> None:
    assert loading.load(env, root=REPOSITORY, environ={}).environment == env


def test_the_production_example_repeats_the_defaults_beside_what_is_the_applications() -> None:
    example = loading.load("production", root=REPOSITORY, environ={})
    plain = Settings(project=example.project, directory=example.directory, hosts=example.hosts)
    own = {*OF_THE_APPLICATION, "policy"}
    assert example.model_dump(exclude=own) == plain.model_dump(exclude=own)
    own = {"query", "flow", "queue", "prometheus"}
    assert example.verify.model_dump(exclude=own) == plain.verify.model_dump(exclude=own)


def test_the_production_example_shows_every_key() -> None:
    text = (REPOSITORY / "config/production.yaml").read_text()
    data = yaml.safe_load(text)
    assert set(keys_at(())) - set(data) == {"hosts_file"}
    sections = ("ssh", "limits", "migrations", "database", "objects", "watch", "health", "rollout", "ingress")
    for section in (*((name,) for name in sections), ("verify",), ("verify", "flow")):
        for part in section:
            data = data[part]
        # What a profile fills is shown as a comment.
        shown = set(data) | set(re.findall(r"^ +# +(\w+):", text, re.MULTILINE) if "profile" in data else ())
        assert set(keys_at(section)) <= shown
        data = yaml.safe_load(text)


def test_the_schema_file_is_what_the_settings_say() -> None:
    assert (REPOSITORY / "config/schema.json").read_text() == schema(), (
        "inv config.schema > config/schema.json"
    )


def run(root: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    monkeypatch.chdir(root)
    for name in ("GIT_BRANCH", "SCHEDGEN_ENV", "SCHEDGEN_CONFIG"):
        monkeypatch.delenv(name, raising=False)
    program = Program(namespace=Collection(config=Collection.from_module(tasks)))
    try:
        program.run(["inv", *words])
    except SystemExit as end:
        return int(end.code or 0)
    return 0


def test_check_prints_all_problems_of_all_files_and_exits_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "project: -x\n")
    write(tmp_path, GOOD, "good")
    write(tmp_path, GOOD + "sudoo: 1\n", "staging")
    assert run(tmp_path, monkeypatch, "config.check") == 2
    shown = capsys.readouterr().out
    assert "config/production.yaml:1: project: must be" in shown
    assert "config/production.yaml:1: directory: is required" in shown
    assert "config/good.yaml: no problems" in shown
    assert "config/staging.yaml:6: sudoo: unknown key; did you mean 'sudo'?" in shown
    assert run(tmp_path, monkeypatch, "config.check", "--env", "good") == 0
    capsys.readouterr()
    assert run(tmp_path, monkeypatch, "config.check", "--json") == 2
    files = json.loads(capsys.readouterr().out)["files"]
    counts = [(file["environment"], len(file["problems"])) for file in files]
    assert counts == [("good", 0), ("production", 2), ("staging", 1)]


def test_a_hosts_file_to_come_fails_only_who_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, "project: p\ndirectory: /srv/p\nhosts_file: later.yaml\n", "lab")
    assert run(tmp_path, monkeypatch, "config.check") == 0
    assert "[WARN]" in capsys.readouterr().out
    assert run(tmp_path, monkeypatch, "config.check", "--env", "lab") == 2


def test_show_says_where_each_value_comes_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tmp_path, GOOD)
    monkeypatch.setenv("MONITORING_DURATION", "900")
    assert run(tmp_path, monkeypatch, "config.show", "--json") == 0
    values = json.loads(capsys.readouterr().out)["values"]
    assert values["watch.duration"] == {"value": 900, "origin": "MONITORING_DURATION"}
    assert values["hosts[0].address"] == {"value": "host.example", "origin": "config/production.yaml:5"}
    assert values["health.deadline"] == {"value": 300, "origin": "default"}
    assert len(values) == len(rows(loading.read(root=tmp_path, environ={})))
    assert run(tmp_path, monkeypatch, "config.show") == 0
    assert "MONITORING_DURATION" in capsys.readouterr().out
