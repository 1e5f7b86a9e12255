"""From files and variables to settings: what operators read when something is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from schedgen_ops import loading
from schedgen_ops.errors import ConfigError
from schedgen_ops.settings import Settings

GOOD = "project: p\ndirectory: /srv/p\nhosts:\n  - name: a\n    address: host.example\n"


def write(root: Path, text: str | bytes, name: str = "production") -> Path:
    file = root / "config" / f"{name}.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return file


def load(root: Path, env: str | None = None, **environ: str) -> Settings:
    return loading.load(env, root=root, environ=environ)


def problems(root: Path, text: str | bytes, **environ: str) -> list[str]:
    write(root, text)
    with pytest.raises(ConfigError) as caught:
        load(root, **environ)
    assert caught.value.exit_code == 2
    return list(caught.value.problems)


def problem(root: Path, text: str | bytes, **environ: str) -> str:
    (only,) = problems(root, text, **environ)
    return only


# Finding


def test_the_search_goes_upwards(tmp_path: Path) -> None:
    write(tmp_path, GOOD)
    below = tmp_path / "deep" / "deeper"
    (below / "config").mkdir(parents=True)
    assert load(below).project == "p"


@pytest.mark.parametrize("env", ["prodution", "Production", "../production", "", "a b", "\0"])
def test_an_unknown_environment_is_answered_with_those_there_are(tmp_path: Path, env: str) -> None:
    write(tmp_path, GOOD)
    write(tmp_path, GOOD, "staging")
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, env or "nosuch")
    assert "There are: production, staging." in caught.value.hint
    assert ("Did you mean 'production'?" in caught.value.hint) == ("prod" in env.lower())


def test_no_config_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no config folder"):
        load(tmp_path)
    with pytest.raises(ConfigError, match="SCHEDGEN_CONFIG"):
        load(tmp_path, SCHEDGEN_CONFIG="nowhere")


def test_variables_choose_folder_and_environment(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("project: p", "project: q"), "blue")
    chosen = load(Path("/"), SCHEDGEN_ENV="blue", SCHEDGEN_CONFIG=str(tmp_path / "config"))
    assert (chosen.project, chosen.environment) == ("q", "blue")


# Values from elsewhere


def test_variables_of_the_runbook_override_the_file(tmp_path: Path) -> None:
    write(tmp_path, GOOD + "branch: develop\n")
    env = load(tmp_path, GIT_BRANCH="v1.2.3", MONITORING_DURATION="900")
    assert (env.branch, env.watch.duration, env.watch.interval) == ("v1.2.3", 900, 10)
    assert load(tmp_path, GIT_BRANCH="").branch == "develop"


def test_an_invalid_variable_is_named(tmp_path: Path) -> None:
    assert problems(tmp_path, GOOD, GIT_BRANCH="-x", MONITORING_DURATION="10m") == [
        "GIT_BRANCH: branch: must be the name of a branch, a tag or a commit, not '-x'",
        "MONITORING_DURATION: watch.duration: must be a whole number, not '10m'",
    ]


def test_local_paths_start_at_the_config_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/op")
    write(tmp_path, GOOD + "ssh: {identity_file: ../keys/id, config_file: ~/.ssh/other}\n")
    ssh = load(tmp_path).ssh
    assert ssh.identity_file == tmp_path / "config/../keys/id"
    assert ssh.config_file == Path("/home/op/.ssh/other")
    assert ssh.known_hosts == Path("/home/op/.ssh/known_hosts")


def test_hosts_from_another_file(tmp_path: Path) -> None:
    text = GOOD[: GOOD.index("hosts:")] + "hosts_file: fleet.yaml\n"
    file = write(tmp_path, text)
    assert (
        problem(tmp_path, text)
        == "config/production.yaml:3: hosts_file: config/fleet.yaml: there is no such file"
    )
    (file.parent / "fleet.yaml").write_text("- {name: a, address: x}\n- {name: b, address: x, prt: 1}\n")
    assert problem(tmp_path, text) == "config/fleet.yaml:2: hosts[1].prt: unknown key; did you mean 'port'?"
    (file.parent / "fleet.yaml").write_text("- {name: a, address: x}\n- {name: b, address: y}\n")
    assert [host.address for host in load(tmp_path).hosts] == ["x", "y"]
    assert [reading.environment for reading in loading.read_all(root=tmp_path, environ={})] == ["production"]
    assert problem(tmp_path, text + "hosts: [{name: a, address: x}]\n").endswith("give one of the two")


def test_aliases_and_merge_keys_work(tmp_path: Path) -> None:
    write(tmp_path, GOOD.replace("- name", "- &a\n    name") + "  - {<<: *a, name: b, port: 2222}\n")
    assert [(h.name, h.address, h.port) for h in load(tmp_path).hosts] == [
        ("a", "host.example", None),
        ("b", "host.example", 2222),
    ]


# What is wrong, all at once


def test_every_problem_is_listed_with_its_line(tmp_path: Path) -> None:
    text = (
        "projet: p\ndirectory: srv\nhosts:\n  - name: a\n    address: -oX\n    port: 70000\nwatch:\n"
        "health:\n  deadline: 600s\nhealth: {}\nidentity_file: k\n"
    )
    assert problems(tmp_path, text) == [
        "config/production.yaml:1: project: is required",
        "config/production.yaml:1: projet: unknown key; did you mean 'project'?",
        "config/production.yaml:2: directory: must be an absolute path, not 'srv'",
        "config/production.yaml:5: hosts[0].address: must be a host name, an IP address or an ssh_config "
        "alias, not '-oX'",
        "config/production.yaml:6: hosts[0].port: must be 65535 or less, not 70000",
        "config/production.yaml:7: watch: is empty: leave it out for the defaults, or give duration, "
        "interval",
        "config/production.yaml:9: health.deadline: must be a whole number, not '600s'",
        "config/production.yaml:10: health: is a duplicate: the key stands above already",
        "config/production.yaml:11: identity_file: unknown key; it belongs below 'ssh'",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "config/production.yaml:1: the file is empty"),
        ("# nothing\n", "config/production.yaml:1: the file is empty"),
        ("- a\n", "config/production.yaml:1: must be a mapping: project, directory, hosts"),
        (b"project: p\nname: \xff\n", "config/production.yaml:2: not valid UTF-8"),
        ("a: 1\n b: 2\n", "config/production.yaml:2: not valid YAML: mapping values are not allowed"),
        ("a: b\nc: \x01\n", "config/production.yaml:2: not valid YAML: control characters"),
        ("a: 1\n---\nb: 2\n", "config/production.yaml:2: not valid YAML: but found another document"),
        ("a: [" * 500, "config/production.yaml:1: nested more than 40 levels deep"),
        ("- " * 100_000, "config/production.yaml:1: nested more than 40 levels deep"),
        (
            GOOD + "sudo: !!python/name:os.system x\n",
            "the tag or value 'python/name:os.system' has no meaning",
        ),
        (GOOD + "tiers: &t [*t]\n", "config/production.yaml:6: tiers[0]: refers to itself"),
        (GOOD + "5: x\n", "config/production.yaml:6: a key must be text, not '5'"),
        (GOOD + "environment: x\n", "the file's name is the environment's"),
        (
            GOOD + "migrations: {profile: typeorm, service: a, path: m, run: npm}\n",
            "migrations.run: must be a list, not 'npm'",
        ),
        (GOOD + "branch: 1.10\n", "branch: must be text, not 1.1: put it in quotes"),
        (GOOD + "ssh: {known_hosts: }\n", "ssh.known_hosts: is empty"),
        (GOOD + "limits: {error_percent: .inf}\n", "limits.error_percent: must be"),
        (GOOD + "tiers: [{name: A, services: []}]\n", "tiers[0].services: must not be empty"),
        (GOOD + "health: {settle: 300}\n", "config/production.yaml:6: health.settle: must be shorter than"),
    ],
)
def test_a_broken_file_is_explained(tmp_path: Path, text: str | bytes, message: str) -> None:
    assert message in problem(tmp_path, text)


def test_a_folder_in_place_of_a_file_is_explained(tmp_path: Path) -> None:
    (tmp_path / "config/production.yaml").mkdir(parents=True)
    with pytest.raises(ConfigError) as caught:
        load(tmp_path)
    assert "Is a directory" in caught.value.problems[0]
